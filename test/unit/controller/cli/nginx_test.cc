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

TEST(NginxBuildTest, TheStreamModuleIsCompiledInDynamicOrNotThere) {
  const std::string version = "nginx version: nginx/1.26.3\n";
  const auto build_of = [&](const std::string& arguments) {
    const auto build = parse_nginx_build(version + "configure arguments: " + arguments + "\n");
    return build ? *build : NginxBuild{};
  };
  EXPECT_EQ(build_of("--prefix=/p --with-stream_ssl_module").stream, StreamModule::kNone);
  EXPECT_EQ(build_of("--prefix=/p --with-stream").stream, StreamModule::kCompiledIn);
  const NginxBuild named =
      build_of("--prefix=/p --modules-path=/usr/lib/nginx/modules --with-stream=dynamic");
  EXPECT_EQ(named.stream, StreamModule::kDynamic);
  EXPECT_EQ(named.stream_path, "/usr/lib/nginx/modules/ngx_stream_module.so");
  EXPECT_EQ(named.version, (NginxVersion{1, 26, 3}));
  EXPECT_EQ(build_of("--prefix=/p --with-stream=dynamic").stream_path,
            "/p/modules/ngx_stream_module.so");
  EXPECT_FALSE(parse_nginx_build("Apache/2.4"));
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
  EXPECT_THAT(*own, Not(HasSubstr("stream {")));
}

TEST(RenderedConfigurationTest, StreamsAreThereWhereNginxHasItsModule) {
  NginxConf conf{"/m.so", "", "", 0, "/s", "/s/l.conf"};
  conf.build = {{1, 22, 1}, StreamModule::kDynamic, "/usr/stream.so"};
  conf.relay_module_path = "/relay.so";
  conf.streams_conf = "/s/streams.conf";
  const auto dynamic = render_nginx_conf(conf);
  ASSERT_TRUE(dynamic) << dynamic.error().message;
  EXPECT_THAT(*dynamic, HasSubstr("load_module \"/usr/stream.so\";\nload_module \"/m.so\";\n"
                                  "load_module \"/relay.so\";\n"));
  EXPECT_THAT(*dynamic, HasSubstr("include \"/s/streams.conf\";"));
  EXPECT_THAT(*dynamic, Not(HasSubstr("{{")));
  conf.build.stream = StreamModule::kCompiledIn;
  const auto compiled_in = render_nginx_conf(conf);
  ASSERT_TRUE(compiled_in);
  EXPECT_THAT(*compiled_in, Not(HasSubstr("/usr/stream.so")));
  EXPECT_THAT(*compiled_in, HasSubstr("load_module \"/relay.so\";"));
  const auto streams = render_streams_conf();
  ASSERT_TRUE(streams) << streams.error().message;
  EXPECT_THAT(*streams, HasSubstr("listen unix:sluice-tls-terminate ssl;"));
}

}  // namespace
}  // namespace sluice::cli
