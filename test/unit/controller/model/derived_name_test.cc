#include "controller/model/derived_name.h"

#include <gtest/gtest.h>

namespace sluice::model {
namespace {

constexpr const char* kUid = "0f8fad5b-d9cb-469f-a165-70867728950e";

TEST(DerivedNameTest, AShortNameIsKeptBesideTheUid) {
  EXPECT_EQ(derived_name("web", kUid), "web-0f8fad5b");
}

TEST(DerivedNameTest, WhatALabelCannotHaveIsReplaced) {
  EXPECT_EQ(derived_name("web.example.com", kUid), "web-example-com-0f8fad5b");
  EXPECT_EQ(derived_name("1st.web", kUid), "gw-1st-web-0f8fad5b");
}

TEST(DerivedNameTest, TheLongestNameMakesALabel) {
  const std::string name = derived_name(std::string(253, 'a'), kUid);
  EXPECT_EQ(name, std::string(54, 'a') + "-0f8fad5b");
  EXPECT_EQ(name.size(), 63U);
}

TEST(DerivedNameTest, ANameIsNeverCutBeforeItsLastLetter) {
  const std::string name = std::string(50, 'a') + "." + std::string(3, '-') + "b";
  EXPECT_EQ(derived_name(name, kUid), std::string(50, 'a') + "-0f8fad5b");
}

TEST(DerivedNameTest, EachClusterIpHasAServiceOfItsOwn) {
  EXPECT_EQ(cluster_service_name("web", kUid, 0), "cluster-0-web-0f8fad5b");
  EXPECT_NE(cluster_service_name("web", kUid, 1), cluster_service_name("web", kUid, 0));
  EXPECT_EQ(cluster_service_name(std::string(253, 'a'), kUid, 15).size(), 63U);
}

TEST(DerivedNameTest, ALabelIsTheNameWhenItHasRoom) {
  EXPECT_EQ(label_of_name("web.example.com"), "web.example.com");
  EXPECT_EQ(label_of_name(std::string(63, 'a')), std::string(63, 'a'));
}

TEST(DerivedNameTest, LabelsOfLongNamesThatBeginTheSameDiffer) {
  const std::string first = label_of_name(std::string(200, 'a') + "b");
  const std::string second = label_of_name(std::string(200, 'a') + "c");
  EXPECT_EQ(first.size(), 63U);
  EXPECT_EQ(first.substr(0, 55), std::string(54, 'a') + "-");
  EXPECT_NE(first, second);
  EXPECT_EQ(first, label_of_name(std::string(200, 'a') + "b"));
}

}  // namespace
}  // namespace sluice::model
