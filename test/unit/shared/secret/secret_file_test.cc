#include "shared/secret/secret_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "shared/secret/read_blob.h"
#include "test/harness/temp_directory.h"

namespace sluice::secret {
namespace {

class SecretFileTest : public testing::Test {
 protected:
  SecretFileTest() { restart(); }

  void restart() {
    file_.reset();
    Result<std::unique_ptr<SecretFile>> opened = SecretFile::open(path());
    ASSERT_TRUE(opened) << opened.error().message;
    file_ = std::move(*opened);
    Result<UniqueFd> reader = file_->open_for_readers();
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
  }

  std::string path() const { return directory_.path() + "/secret"; }

  BlobPlace put(const std::string& text) {
    Result<BlobPlace> place = file_->put(text);
    EXPECT_TRUE(place) << place.error().message;
    return place ? *place : BlobPlace{};
  }

  std::string read(const BlobPlace& place) const {
    const Result<Bytes> bytes = read_blob(reader_.get(), place);
    return bytes ? std::string(bytes->view()) : "error: " + bytes.error().message;
  }

  std::string whole_file() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TempDirectory directory_;
  std::unique_ptr<SecretFile> file_;
  UniqueFd reader_;
};

TEST_F(SecretFileTest, WhatIsPutCanBeRead) {
  const BlobPlace one = put("first certificate");
  const BlobPlace two = put(std::string(5000, 'x'));
  EXPECT_EQ(read(one), "first certificate");
  EXPECT_EQ(read(two), std::string(5000, 'x'));
}

TEST_F(SecretFileTest, NobodyElseMayReadTheFile) {
  struct stat status = {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(SecretFileTest, ReadersCanNotWrite) {
  put("x");
  EXPECT_LT(pwrite(reader_.get(), "y", 1, 0), 0);
}

TEST_F(SecretFileTest, TheSameContentHasOnePlaceUntilItIsRemovedAsOftenAsPut) {
  const BlobPlace first = put("same");
  EXPECT_EQ(put("same"), first);
  file_->remove(first.hash, 0);
  file_->tidy(SecretFile::kQuarantineMs);
  EXPECT_EQ(read(first), "same");
  file_->remove(first.hash, 0);
  file_->tidy(SecretFile::kQuarantineMs);
  EXPECT_NE(read(first), "same");
}

TEST_F(SecretFileTest, ARemovedBlobStaysReadableForAWhile) {
  const BlobPlace place = put("rotated away");
  file_->remove(place.hash, 1000);
  file_->tidy(1000 + SecretFile::kQuarantineMs - 1);
  EXPECT_EQ(read(place), "rotated away");
  EXPECT_NE(put("another one").unit, place.unit);
}

TEST_F(SecretFileTest, NothingOfARemovedBlobStaysInTheFile) {
  const BlobPlace place = put("very private key");
  ASSERT_NE(whole_file().find("very private key"), std::string::npos);
  file_->remove(place.hash, 0);
  file_->tidy(SecretFile::kQuarantineMs);
  EXPECT_EQ(whole_file().find("very private key"), std::string::npos);
}

TEST_F(SecretFileTest, AReusedPlaceIsNoticed) {
  const BlobPlace old = put("old bytes");
  file_->remove(old.hash, 0);
  file_->tidy(SecretFile::kQuarantineMs);
  const BlobPlace now = put("new bytes");
  ASSERT_EQ(now.unit, old.unit);
  EXPECT_EQ(read(old), "error: another certificate lies at that place");
  EXPECT_EQ(read(now), "new bytes");
}

TEST_F(SecretFileTest, FreedNeighboursMakeRoomForALargerBlob) {
  const BlobPlace a = put(std::string(40, 'a'));
  const BlobPlace b = put(std::string(40, 'b'));
  const BlobPlace c = put(std::string(40, 'c'));
  put("keeps what lies behind");
  for (const BlobPlace& place : {a, c, b})
    file_->remove(place.hash, 0);
  file_->tidy(SecretFile::kQuarantineMs);
  EXPECT_EQ(put(std::string(300, 'd')).unit, a.unit);
}

TEST_F(SecretFileTest, ARestartedControllerKeepsThePlaceOfTheSameContent) {
  put("goes");
  const BlobPlace stays = put("stays");
  restart();
  EXPECT_EQ(put("stays"), stays);
}

TEST_F(SecretFileTest, WhatNobodyPutsAgainAfterARestartIsWiped) {
  const BlobPlace goes = put("goes");
  const BlobPlace stays = put("stays");
  restart();
  put("stays");
  file_->drop_unclaimed(0);
  EXPECT_EQ(read(goes), "goes");
  file_->tidy(SecretFile::kQuarantineMs);
  EXPECT_EQ(whole_file().find("goes"), std::string::npos);
  EXPECT_EQ(read(stays), "stays");
}

// "no certificate of the listener can be read" just after a controller was killed: what came back
// within ten seconds had two copies, and the next controller wiped one of them at once.
TEST_F(SecretFileTest, WhatIsPutAgainInTimeStaysWhereItIs) {
  const BlobPlace place = put("came and went and came");
  file_->remove(place.hash, 1000);
  EXPECT_EQ(put("came and went and came"), place);
  file_->tidy(1000 + SecretFile::kQuarantineMs);
  EXPECT_EQ(read(place), "came and went and came");
  file_->remove(place.hash, 20'000);
  file_->tidy(20'000 + SecretFile::kQuarantineMs);
  EXPECT_NE(read(place), "came and went and came");
}

TEST_F(SecretFileTest, EachCopyThatAPredecessorLeftStaysReadableForAWhile) {
  const BlobPlace first = put("twice");
  const std::string unit = whole_file().substr(first.unit * kUnitBytes, kUnitBytes);
  const BlobPlace second{first.unit + 7, first.bytes, first.hash};
  std::fstream out(path(), std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(second.unit * kUnitBytes)) << unit << std::flush;
  restart();
  EXPECT_EQ(put("twice"), first);
  EXPECT_EQ(read(second), "twice");
  file_->drop_unclaimed(1000);
  file_->tidy(1000 + SecretFile::kQuarantineMs - 1);
  EXPECT_EQ(read(second), "twice");
  file_->tidy(1000 + SecretFile::kQuarantineMs);
  EXPECT_NE(read(second), "twice");
  EXPECT_EQ(read(first), "twice");
}

TEST_F(SecretFileTest, ADamagedBlobOfAPredecessorIsNotAdopted) {
  const BlobPlace place = put("damaged later");
  {
    std::fstream out(path(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(place.unit * kUnitBytes + sizeof(BlobHeader)));
    out << 'X';
  }
  restart();
  const BlobPlace again = put("damaged later");
  EXPECT_EQ(read(again), "damaged later");
}

TEST_F(SecretFileTest, TheFileGrowsForManyBlobs) {
  std::vector<BlobPlace> places;
  places.reserve(300);
  for (int i = 0; i < 300; ++i)
    places.push_back(put(std::string(2000, 'z') + std::to_string(i)));
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(read(places[static_cast<std::size_t>(i)]),
              std::string(2000, 'z') + std::to_string(i));
}

TEST_F(SecretFileTest, APlaceBeyondTheEndIsRefused) {
  EXPECT_EQ(read({1U << 30, 100, {}}), "error: the file of certificates ends before the blob");
  EXPECT_EQ(read({0, 0, {}}), "error: no blob has that length");
}

}  // namespace
}  // namespace sluice::secret
