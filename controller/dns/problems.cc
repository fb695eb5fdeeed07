#include "controller/dns/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::dns {

std::vector<model::Problem> problems(const NameBook& book, const model::Store& store) {
  std::vector<model::Problem> problems;
  for (const Trouble& trouble : book.troubles()) {
    for (const model::ObjectName& name : trouble.backends) {
      const auto* backend = store.find<model::Backend>(model::Kind::kBackend, name);
      if (backend == nullptr) continue;
      const auto endpoint = std::ranges::find(backend->endpoints, trouble.hostname,
                                              &model::BackendEndpoint::hostname);
      if (endpoint == backend->endpoints.end()) continue;
      problems.push_back({backend->meta.position,
                          model::ObjectKey{model::Kind::kBackend, name}.text(),
                          fmt::format("spec.endpoints[{}].hostname",
                                      std::distance(backend->endpoints.begin(), endpoint)),
                          trouble.text});
    }
  }
  return problems;
}

}  // namespace sluice::dns
