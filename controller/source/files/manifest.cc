#include "controller/source/files/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace sluice::source {

// Where a document of the new text comes from: `old` (index) or `fresh`.
struct Manifest::Slot {
  DocumentText text;
  std::optional<std::size_t> old;
  std::unique_ptr<Document> fresh;
};

std::vector<Manifest::Slot> Manifest::match(const std::vector<DocumentText>& texts) const {
  std::multimap<Hash, std::size_t> known;
  for (std::size_t i = 0; i < documents_.size(); ++i)
    known.emplace(documents_[i]->hash, i);
  std::vector<Slot> slots;
  for (const DocumentText& text : texts) {
    Slot slot;
    slot.text = text;
    if (const auto found = known.find(hash_of(text.text)); found != known.end()) {
      slot.old = found->second;
      known.erase(found);
    }
    slots.push_back(std::move(slot));
  }
  return slots;
}

void Manifest::replace(std::string_view text, Objects& objects) {
  const Syntax syntax = path_.ends_with(".json") ? Syntax::kJson : Syntax::kYaml;
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  std::vector<DocumentText> texts;
  if (syntax == Syntax::kYaml) {
    texts = split_documents(text);
  } else if (!blank) {
    texts.push_back({text, 1});
  }
  std::vector<Slot> slots = match(texts);
  for (Slot& slot : slots) {
    if (slot.old) continue;
    DocumentOrError parsed = parse_document(slot.text, syntax, path_);
    if (parsed.error) {
      const int line = slot.text.line + parsed.error->line - 1;
      return freeze(line, std::move(parsed.error->message), objects);
    }
    slot.fresh = std::move(parsed.document);
  }

  std::vector<std::unique_ptr<Document>> next;
  for (Slot& slot : slots) {
    if (slot.old) documents_[*slot.old]->line = slot.text.line;
    next.push_back(slot.old ? std::move(documents_[*slot.old]) : std::move(slot.fresh));
  }
  const bool nameless = std::any_of(next.begin(), next.end(),
                                    [](const auto& each) { return each->refused_nameless; });
  if (nameless) keep_unnamed(next, objects);
  // Removed first, added next, decided later: an object that only moved never goes away.
  for (const auto& document : documents_) {
    if (document != nullptr) objects.remove(*document);
  }
  documents_ = std::move(next);
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    if (i >= slots.size() || !slots[i].old) objects.add(*documents_[i]);
  }
  frozen_.reset();
  loaded_ = true;
}

void Manifest::keep_unnamed(std::vector<std::unique_ptr<Document>>& next, const Objects& objects) {
  std::set<model::ObjectKey> named;
  for (const auto& document : next) {
    for (const Claim& claim : document->claims)
      named.insert(claim.key);
  }
  auto kept = std::make_unique<Document>();
  kept->path = &path_;
  const auto keep = [&](const Document& document) {
    for (const Claim& claim : document.claims) {
      if (!named.insert(claim.key).second) continue;
      kept->claims.push_back({claim.key, document.line + claim.line - 1, claim.accepted});
    }
  };
  if (!loaded_) keep(*objects.restored_document(path_));
  for (const auto& document : documents_) {
    if (document != nullptr) keep(*document);
  }
  if (!kept->claims.empty()) next.push_back(std::move(kept));
}

void Manifest::freeze(int line, std::string message, Objects& objects) {
  frozen_ = model::Problem{
      {path_, line}, "", "", fmt::format("{}; the last good objects of this file stay", message)};
  if (loaded_) return;
  loaded_ = true;
  documents_.push_back(objects.restored_document(path_));
  documents_.back()->path = &path_;
  objects.add(*documents_.back());
}

void Manifest::withdraw(Objects& objects) {
  for (const auto& document : documents_)
    objects.remove(*document);
  documents_.clear();
}

std::vector<model::Problem> Manifest::problems() const {
  std::vector<model::Problem> out;
  if (frozen_) out.push_back(*frozen_);
  for (const auto& document : documents_) {
    for (model::Problem problem : document->problems) {
      problem.position.line += document->line - 1;
      out.push_back(std::move(problem));
    }
  }
  return out;
}

std::vector<model::Problem> Manifest::warnings() const {
  std::vector<model::Problem> out;
  for (const auto& document : documents_) {
    for (model::Problem warning : document->warnings) {
      warning.position.line += document->line - 1;
      out.push_back(std::move(warning));
    }
  }
  return out;
}

std::vector<std::string> Manifest::ignored() const {
  std::vector<std::string> out;
  for (const auto& document : documents_) {
    for (const auto& [object, line] : document->ignored) {
      out.push_back(fmt::format("{} ({}:{})", object, path_, document->line + line - 1));
    }
  }
  return out;
}

}  // namespace sluice::source
