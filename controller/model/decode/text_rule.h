// What a text field may hold: the lengths, patterns and choices of the CRDs and of Kubernetes.
//
// The predicates are the CRDs' patterns written out, because they run for every field of every
// object; test/unit/controller/model/decode/text_rule_test.cc holds them against the patterns.
//
// Process: controller, sluicectl.   Thread: any.   Allocates: only quote() and readable().   Fails:
// never. Spec: gateway-api v1.7.0 standard CRDs; Kubernetes object names and labels
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::model {

bool is_dns_label(std::string_view text);
bool is_dns_subdomain(std::string_view text);   // labels of any length, as the CRDs' patterns say
bool is_group(std::string_view text);           // "" or a subdomain
bool is_kind(std::string_view text);            // "HTTPRoute"
bool is_hostname(std::string_view text);        // exact or "*.", no IP address
bool is_exact_hostname(std::string_view text);  // no "*.", no IP address
bool is_header_name(std::string_view text);     // RFC 9110 token, also of query parameters
bool is_duration(std::string_view text);        // GEP-2257: "1h30m", "500ms"
bool is_controller_name(std::string_view text);
bool is_protocol(std::string_view text);
bool is_routability(std::string_view text);
bool is_address_type(std::string_view text);
bool is_cors_origin(std::string_view text);
bool is_label_key(std::string_view text);  // "app", "example.com/app"
bool is_label_value(std::string_view text);
bool is_annotation_key(std::string_view text);  // like a label's, but upper case may be anywhere
bool is_port_name(std::string_view text);       // IANA service name
bool is_data_key(std::string_view text);        // of a Secret or ConfigMap
bool is_base64(std::string_view text);
bool is_ip_address(std::string_view text);
bool is_endpoint_ipv4(std::string_view text);  // not "0.0.0.0", no multicast
bool is_endpoint_ipv6(std::string_view text);  // not "::", no multicast
bool is_absolute_path(std::string_view text);
bool is_path_text(std::string_view text);  // RFC 3986 pchar and "/", escapes complete

// REQUIRES: is_duration(text).
std::int64_t duration_ms(std::string_view text);

// Characters, as maxLength counts them.
std::size_t count_characters(std::string_view text);

// In double quotes, at most 80 bytes of it, everything that is not printable UTF-8 escaped.
std::string quote(std::string_view text);

// The text itself when it is a short printable word, else quoted.
std::string readable(std::string_view text);

struct TextRule {
  std::size_t min = 0;  // characters
  std::size_t max = SIZE_MAX;
  bool (*valid)(std::string_view) = nullptr;
  std::string_view expected = {};                  // completes "valid is ..."
  std::span<const std::string_view> choices = {};  // when not empty: one of these
  bool confidential = false;                       // never shown in a message
};

inline constexpr TextRule kAnyText = {};
inline constexpr TextRule kReferenceName = {.min = 1, .max = 253};
inline constexpr TextRule kDnsLabel = {
    .min = 1,
    .max = 63,
    .valid = is_dns_label,
    .expected = "lower-case letters, digits and \"-\", such as \"my-app\""};
inline constexpr TextRule kOptionalDnsLabel = {
    .max = 63,
    .valid = [](std::string_view text) { return text.empty() || is_dns_label(text); },
    .expected = kDnsLabel.expected};
inline constexpr TextRule kDnsSubdomain = {
    .min = 1,
    .max = 253,
    .valid = is_dns_subdomain,
    .expected = "lower-case letters, digits, \"-\" and \".\", such as \"my-app.v2\""};
inline constexpr TextRule kGroup = {
    .max = 253,
    .valid = is_group,
    .expected = "an API group such as \"gateway.networking.k8s.io\", or \"\" for core"};
inline constexpr TextRule kKindName = {
    .min = 1,
    .max = 63,
    .valid = is_kind,
    .expected = "letters, digits and \"-\", such as \"Service\""};
inline constexpr TextRule kHostname = {
    .min = 1,
    .max = 253,
    .valid = is_hostname,
    .expected =
        "a lower-case DNS name such as \"example.com\" or \"*.example.com\", no IP address"};
inline constexpr TextRule kExactHostname = {
    .min = 1,
    .max = 253,
    .valid = is_exact_hostname,
    .expected = "a lower-case DNS name such as \"example.com\", no wildcard, no IP address"};
inline constexpr TextRule kHeaderName = {
    .min = 1,
    .max = 256,
    .valid = is_header_name,
    .expected = "letters, digits and !#$%&'*+-.^_`|~, such as \"x-env\""};
inline constexpr TextRule kHeaderValue = {.min = 1, .max = 4096};
inline constexpr TextRule kDuration = {
    .valid = is_duration,
    .expected = "up to four numbers with h, m, s or ms, such as \"10s\" or \"1m30s\""};
inline constexpr TextRule kLabelKey = {
    .min = 1,
    .max = 317,
    .valid = is_label_key,
    .expected = "a name of up to 63 characters such as \"app\" or \"example.com/app\""};
inline constexpr TextRule kAnnotationKey = {
    .min = 1, .max = 317, .valid = is_annotation_key, .expected = kLabelKey.expected};
inline constexpr TextRule kLabelValue = {
    .max = 63,
    .valid = is_label_value,
    .expected = "letters, digits, \"-\", \"_\" and \".\", with a letter or digit at both ends"};

}  // namespace sluice::model
