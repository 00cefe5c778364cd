// SPDX-License-Identifier: Apache-2.0
#include "sweep/document.h"

namespace rookery::sweep {

const Node* Node::find(std::string_view name) const {
  for (const Node& item : items) {
    if (item.key == name) return &item;
  }
  return nullptr;
}

std::string Node::kind_text() const {
  switch (kind) {
    case Kind::table:
      return "a table";
    case Kind::array:
      return "a list";
    case Kind::text:
      return "a text";
    case Kind::integer:
      return "an integer";
    case Kind::real:
      return "a number with a fraction";
    case Kind::boolean:
      return "true or false";
    case Kind::other:
      break;
  }
  return text;
}

}  // namespace rookery::sweep
