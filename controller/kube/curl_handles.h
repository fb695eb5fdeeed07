// Owners of libcurl's handles.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace sluice::kube {

struct CurlEasyFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct CurlMultiFree {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};

struct CurlListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

using UniqueCurl = std::unique_ptr<CURL, CurlEasyFree>;
using UniqueCurlMulti = std::unique_ptr<CURLM, CurlMultiFree>;
using UniqueCurlList = std::unique_ptr<curl_slist, CurlListFree>;

}  // namespace sluice::kube
