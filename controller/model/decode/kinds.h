// One function per kind: reads the whole object but apiVersion, kind and metadata, reports what is
// wrong with it, and returns it with the CRD's defaults. What it returns after a report is not
// used.
#pragma once

#include "controller/model/decode/field_reader.h"
#include "controller/model/store.h"

namespace sluice::model {

GatewayClass decode_gateway_class(FieldReader& root, Meta meta);
Gateway decode_gateway(FieldReader& root, Meta meta);
ListenerSet decode_listener_set(FieldReader& root, Meta meta);
HttpRoute decode_http_route(FieldReader& root, Meta meta);
GrpcRoute decode_grpc_route(FieldReader& root, Meta meta);
TlsRoute decode_tls_route(FieldReader& root, Meta meta);
TcpRoute decode_tcp_route(FieldReader& root, Meta meta);
UdpRoute decode_udp_route(FieldReader& root, Meta meta);
ReferenceGrant decode_reference_grant(FieldReader& root, Meta meta);
Service decode_service(FieldReader& root, Meta meta);
EndpointSlice decode_endpoint_slice(FieldReader& root, Meta meta);
Namespace decode_namespace(FieldReader& root, Meta meta);
Secret decode_secret(FieldReader& root, Meta meta);
ConfigMap decode_config_map(FieldReader& root, Meta meta);
Backend decode_backend(FieldReader& root, Meta meta);
BackendTlsPolicy decode_backend_tls_policy(FieldReader& root, Meta meta);
GatewayParameters decode_gateway_parameters(FieldReader& root, Meta meta);
ClusterTrustBundle decode_cluster_trust_bundle(FieldReader& root, Meta meta);

// Labels of every kind, names by the kind's rules, namespace "default" when there is none.
Meta decode_meta(FieldReader& root, Kind kind);

// A metav1.LabelSelector; none when the field is absent.
std::optional<LabelSelector> decode_label_selector(FieldReader& reader, std::string_view key);

}  // namespace sluice::model
