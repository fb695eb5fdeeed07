#include "controller/source/kube/references.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice::source {
namespace {

using Keys = std::set<model::ObjectKey>;

model::ObjectKey secret(const std::string& ns, const std::string& name) {
  return {model::Kind::kSecret, {ns, name}};
}

model::ObjectKey config_map(const std::string& ns, const std::string& name) {
  return {model::Kind::kConfigMap, {ns, name}};
}

model::Gateway gateway(const std::string& certificate) {
  model::Gateway made;
  made.meta.name = {"shop", "web"};
  made.listeners.resize(2);
  made.listeners[1].tls.emplace();
  made.listeners[1].tls->certificate_refs = {{"", "Secret", certificate, std::nullopt}};
  return made;
}

model::Change change_of(const model::Gateway& gateway) {
  return {{model::Kind::kGateway, gateway.meta.name},
          std::make_shared<const model::Object>(gateway)};
}

TEST(ReferencesTest, AllThatAGatewayNames) {
  model::Gateway made = gateway("a");
  made.listeners[1].tls->certificate_refs.push_back({"", "Secret", "b", "other"});
  made.listeners[1].tls->certificate_refs.push_back({"example.com", "Secret", "c", "other"});
  made.frontend_tls.fallback.emplace();
  made.frontend_tls.fallback->ca_certificate_refs = {{"", "ConfigMap", "d", std::nullopt}};
  made.frontend_tls.of_port[443].emplace();
  made.frontend_tls.of_port[443]->ca_certificate_refs = {{"", "Secret", "e", std::nullopt}};
  made.client_certificate_ref = model::ObjectRef{"", "Secret", "f", std::nullopt};
  EXPECT_EQ(references_of(made),
            (Keys{secret("shop", "a"), secret("other", "b"), config_map("shop", "d"),
                  secret("shop", "e"), secret("shop", "f")}));
}

TEST(ReferencesTest, AllThatAListenerSetNames) {
  model::ListenerSet set;
  set.meta.name = {"shop", "extra"};
  set.listeners = gateway("a").listeners;
  set.listeners[1].tls->certificate_refs.push_back({"", "Secret", "b", "other"});
  EXPECT_EQ(references_of(set), (Keys{secret("shop", "a"), secret("other", "b")}));
}

TEST(ReferencesTest, AllThatAPolicyNames) {
  model::BackendTlsPolicy policy;
  policy.meta.name = {"shop", "p"};
  policy.ca_certificate_refs = {{"", "ConfigMap", "a"}, {"", "Secret", "b"}};
  EXPECT_EQ(references_of(policy), (Keys{config_map("shop", "a"), secret("shop", "b")}));
}

TEST(ReferencesTest, OthersNameNone) {
  EXPECT_EQ(references_of(model::HttpRoute{}), Keys{});
}

TEST(ReferencesTest, OnlyTheFirstUserAndTheLastOneAreNews) {
  References references;
  model::Gateway first = gateway("a");
  model::Gateway second = gateway("a");
  second.meta.name.name = "second";
  references.apply(change_of(first));
  EXPECT_EQ(references.take_changes(), Keys{secret("shop", "a")});
  references.apply(change_of(second));
  references.apply(change_of(first));
  EXPECT_EQ(references.take_changes(), Keys{});
  references.apply(change_of(gateway("b")));
  EXPECT_EQ(references.take_changes(), Keys{secret("shop", "b")});
  EXPECT_TRUE(references.contains(secret("shop", "a")));
  references.apply({{model::Kind::kGateway, second.meta.name}, nullptr});
  EXPECT_EQ(references.take_changes(), Keys{secret("shop", "a")});
  EXPECT_FALSE(references.contains(secret("shop", "a")));
}

}  // namespace
}  // namespace sluice::source
