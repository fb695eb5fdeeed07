#include "controller/resolve/features.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <compare>
#include <cstdint>
#include <string_view>

namespace sluice::resolve {

namespace {

using model::InstalledApi;
using model::Kind;

struct Release {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Release&) const = default;
};

constexpr Release k15{1, 5, 0};  // the first that is known
constexpr Release k16{1, 6, 0};
constexpr Release k163{1, 6, 3};
constexpr Release k17{1, 7, 0};
constexpr Release k18{1, 8, 0};  // the first that is not known yet
constexpr Release kNever{INT_MAX, 0, 0};
constexpr const char* kKnownReleases = "v1.5, v1.6 and v1.7";

enum class Needs : std::uint8_t { kNothing, kApiServer, kPool };

struct Feature {
  std::string_view name;
  Kind crd;                      // whose release and channel count
  Kind kind = crd;               // what must be served as well
  Release since = k15;           // the first release that has the name
  Release until = kNever;        // the first that has it no more
  Release standard_since = k15;  // before, only the experimental channel has the fields
  Needs needs = Needs::kNothing;
};

// The features that are served, by their official names. The README's table has a row for each that
// the newest release has, with the test that shows it.
constexpr std::array kFeatures = {
    Feature{.name = "BackendTLSPolicy", .crd = Kind::kBackendTlsPolicy},
    Feature{.name = "BackendTLSPolicySANValidation", .crd = Kind::kBackendTlsPolicy},
    Feature{.name = "ClusterTrustBundle",
            .crd = Kind::kGateway,
            .kind = Kind::kClusterTrustBundle,
            .since = k17,
            .standard_since = kNever},
    Feature{.name = "GRPCRoute", .crd = Kind::kGrpcRoute},
    Feature{.name = "GRPCRouteNamedRouteRule", .crd = Kind::kGrpcRoute},
    Feature{.name = "GRPCRouteRequestHeaderModifier", .crd = Kind::kGrpcRoute, .since = k17},
    Feature{.name = "Gateway", .crd = Kind::kGateway},
    Feature{.name = "GatewayAddressEmpty", .crd = Kind::kGateway},
    Feature{.name = "GatewayAddressRoutability",
            .crd = Kind::kGateway,
            .since = k17,
            .standard_since = kNever,
            .needs = Needs::kPool},
    Feature{.name = "GatewayAddressRoutabilityCluster",
            .crd = Kind::kGateway,
            .since = k17,
            .standard_since = kNever,
            .needs = Needs::kPool},
    Feature{.name = "GatewayBackendClientCertificate", .crd = Kind::kGateway},
    Feature{.name = "GatewayFrontendClientCertificateValidation", .crd = Kind::kGateway},
    Feature{.name = "GatewayFrontendClientCertificateValidationInsecureFallback",
            .crd = Kind::kGateway},
    Feature{.name = "GatewayHTTPListenerIsolation", .crd = Kind::kGateway},
    Feature{.name = "GatewayHTTPSListenerDetectMisdirectedRequests", .crd = Kind::kGateway},
    Feature{.name = "GatewayInfrastructure",
            .crd = Kind::kGateway,
            .since = k163,
            .needs = Needs::kApiServer},
    Feature{.name = "GatewayInfrastructurePropagation",
            .crd = Kind::kGateway,
            .until = k163,
            .needs = Needs::kApiServer},
    Feature{.name = "GatewayPort8080", .crd = Kind::kGateway},
    Feature{
        .name = "GatewayRouteHostnameIntersectionPrecedence", .crd = Kind::kGateway, .since = k17},
    Feature{.name = "GatewayStaticAddresses", .crd = Kind::kGateway},
    Feature{.name = "HTTPRoute", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRoute303RedirectStatusCode", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRoute307RedirectStatusCode", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRoute308RedirectStatusCode", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteBackendProtocolH2C", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteBackendProtocolWebSocket", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteBackendRequestHeaderModification", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteBackendTimeout", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteBackendURLRewrite", .crd = Kind::kHttpRoute, .since = k17},
    Feature{.name = "HTTPRouteCORS", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteDestinationPortMatching", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteHostRewrite", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteMethodMatching", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteNamedRouteRule", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteParentRefPort", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRoutePathRedirect", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRoutePathRewrite", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRoutePortRedirect", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteQueryParamMatching", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteRequestMirror", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteRequestMultipleMirrors", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteRequestPercentageMirror", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteRequestTimeout", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteResponseHeaderModification", .crd = Kind::kHttpRoute},
    Feature{.name = "HTTPRouteRetry",
            .crd = Kind::kHttpRoute,
            .since = k16,
            .until = k17,
            .standard_since = kNever},
    Feature{.name = "HTTPRouteRetryCodes", .crd = Kind::kHttpRoute, .since = k17},
    Feature{.name = "HTTPRouteRetryConnectionError",
            .crd = Kind::kHttpRoute,
            .since = k16,
            .standard_since = k17},
    Feature{.name = "HTTPRouteSchemeRedirect", .crd = Kind::kHttpRoute},
    Feature{.name = "ListenerSet", .crd = Kind::kListenerSet},
    Feature{.name = "ReferenceGrant", .crd = Kind::kReferenceGrant},
    Feature{.name = "TCPRoute", .crd = Kind::kTcpRoute, .since = k16},
    Feature{.name = "TLSRoute", .crd = Kind::kTlsRoute},
    Feature{.name = "TLSRouteModeMixed", .crd = Kind::kTlsRoute},
    Feature{.name = "TLSRouteModeTerminate", .crd = Kind::kTlsRoute},
    Feature{.name = "UDPRoute", .crd = Kind::kUdpRoute},
};
static_assert(std::ranges::is_sorted(kFeatures, {}, &Feature::name));

bool take_number(std::string_view& text, char before, int& number) {
  if (text.size() < 2 || text[0] != before || text[1] < '0' || text[1] > '9') return false;
  text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return read.ec == std::errc();
}

// "v1.6.3", "v1.7.0-rc.1"; none: no version, or one that is not known.
std::optional<Release> known_release(std::string_view text) {
  Release release;
  const bool read = take_number(text, 'v', release.major) &&
                    take_number(text, '.', release.minor) && take_number(text, '.', release.patch);
  if (!read || (!text.empty() && text.front() != '-')) return std::nullopt;
  if (release < k15 || release >= k18) return std::nullopt;
  return release;
}

bool is_installed(const Feature& feature, const InstalledApi& api) {
  const auto bundle = api.bundles.find(feature.crd);
  if (bundle == api.bundles.end()) return false;
  const std::optional<Release> release = known_release(bundle->second.release);
  if (!release || *release < feature.since || *release >= feature.until) return false;
  if (*release < feature.standard_since && !bundle->second.experimental) return false;
  return !api.absent.contains(feature.crd) && !api.absent.contains(feature.kind);
}

bool is_met(Needs needs, const Options& options) {
  if (needs == Needs::kNothing) return true;
  return options.in_cluster && (needs == Needs::kApiServer || !options.address_pool.empty());
}

// "of v1.4.1 and v1.7.0"
std::string installed_text(const InstalledApi& api) {
  if (api.releases.empty()) return "of a release that could not be found out";
  std::vector<std::string> texts;
  texts.reserve(api.releases.size());
  for (const std::string& release : api.releases)
    texts.push_back(release.empty() ? "a release that they do not name" : release);
  return fmt::format("of {}", fmt::join(texts, " and "));
}

}  // namespace

ConditionFinding supported_version(const std::optional<InstalledApi>& api) {
  if (!api) {
    return {"SupportedVersion", true, "SupportedVersion",
            "Objects are read by the rules of Gateway API v1.7.0"};
  }
  const std::string message = fmt::format("The CRDs of the Gateway API are {}; supported are {}",
                                          installed_text(*api), kKnownReleases);
  const bool known =
      !api->releases.empty() && std::ranges::all_of(api->releases, [](const std::string& release) {
        return known_release(release).has_value();
      });
  if (known) return {"SupportedVersion", true, "SupportedVersion", message};
  return {"SupportedVersion", false, "UnsupportedVersion", message};
}

std::vector<std::string> supported_features(const std::optional<InstalledApi>& api,
                                            const Options& options) {
  std::vector<std::string> names;
  for (const Feature& feature : kFeatures) {
    const bool there = api ? is_installed(feature, *api) : feature.until == kNever;
    if (there && is_met(feature.needs, options)) names.emplace_back(feature.name);
  }
  return names;
}

}  // namespace sluice::resolve
