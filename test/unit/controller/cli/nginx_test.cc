#include "controller/cli/nginx.h"

#include <gmock/gmock.h>

#include "controller/cli/render_template.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(NginxVersionTest, IsReadOutOfWhatItSays) {
  const auto version = parse_nginx_version("nginx version: nginx/1.22.1 (Debian)\n");
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, (NginxVersion{1, 22, 1}));
  EXPECT_FALSE(parse_nginx_version("Apache/2.4"));
  EXPECT_FALSE(parse_nginx_version("nginx/next"));
}

TEST(NginxVersionTest, Http2HasItsOwnDirectiveFrom1251On) {
  EXPECT_FALSE(has_http2_directive({1, 22, 1}));
  EXPECT_FALSE(has_http2_directive({1, 25, 0}));
  EXPECT_TRUE(has_http2_directive({1, 25, 1}));
  EXPECT_TRUE(has_http2_directive({1, 30, 6}));
}

TEST(NginxTestOutputTest, ModuleOfAnotherNginxGetsAHint) {
  EXPECT_THAT(explain_failed_test("nginx: [emerg] module \"x.so\" version 1022001 instead of "
                                  "1026003 in c:1\n",
                                  "/m/x.so"),
              HasSubstr("/m/x.so was built for another nginx"));
  EXPECT_THAT(explain_failed_test("nginx: [emerg] \"x\" is not binary compatible\n", "/m/x.so"),
              HasSubstr("another nginx"));
  EXPECT_THAT(explain_failed_test("nginx: [emerg] unknown directive\n", "/m/x.so"),
              Not(HasSubstr("another nginx")));
}

TEST(RenderTemplateTest, ValuesAreEscapedForTheTemplatesQuotes) {
  const auto text = render_template("a \"{{x}}\"; {{#on}}yes{{/on}}{{^on}}no{{/on}}",
                                    {{{"x", "a b\"c\\d"}}, {{"on", true}}});
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "a \"a b\\\"c\\\\d\"; yes");
}

TEST(RenderTemplateTest, WhatNginxCannotExpressIsRefused) {
  EXPECT_FALSE(render_template("{{x}}", {{{"x", "$host"}}, {}}));
  EXPECT_FALSE(render_template("{{x}}", {{{"x", "a\nb"}}, {}}));
}

TEST(RenderTemplateTest, BrokenTemplateIsAnError) {
  EXPECT_FALSE(render_template("{{#x}}never closed", {{}, {{"x", true}}}));
}

TEST(RenderedConfigurationTest, HasEveryValueAndNoPlaceholder) {
  const auto listeners = render_listeners_conf({"/table dir", "/s/keeper.sock", {1, 22, 1}});
  ASSERT_TRUE(listeners) << listeners.error().message;
  EXPECT_THAT(*listeners, HasSubstr("sluice_table \"/table dir\";"));
  EXPECT_THAT(*listeners, HasSubstr("sluice_keeper \"/s/keeper.sock\";"));
  EXPECT_THAT(*listeners, Not(HasSubstr("{{")));
  const auto conf = render_nginx_conf({"/m.so", "nobody", "nogroup", 3, "/s", "/s/l.conf"});
  ASSERT_TRUE(conf) << conf.error().message;
  EXPECT_THAT(*conf, HasSubstr("load_module \"/m.so\";"));
  EXPECT_THAT(*conf, HasSubstr("user \"nobody\" \"nogroup\";"));
  EXPECT_THAT(*conf, HasSubstr("worker_processes 3;"));
  EXPECT_THAT(*conf, Not(HasSubstr("{{")));
  const auto own = render_nginx_conf({"/m.so", "", "", 0, "/s", "/s/l.conf"});
  ASSERT_TRUE(own);
  EXPECT_THAT(*own, Not(HasSubstr("user ")));
  EXPECT_THAT(*own, HasSubstr("worker_processes auto;"));
}

}  // namespace
}  // namespace sluice::cli
