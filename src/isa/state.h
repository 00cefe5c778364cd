// SPDX-License-Identifier: Apache-2.0
// isa/state.def as C++ structs. State<u32> and State<u64> are the whole machine but its RAM,
// without padding between fields; their bytes are what engines exchange, what is hashed, and, word
// by word (little-endian), what stands in the GPU's state buffer.
#pragma once

#include <array>
#include <cstring>
#include <span>
#include <type_traits>
#include <variant>

#include "isa/constants.h"
#include "isa/xlen.h"

namespace rookery::isa {

enum class Xlen : u32 { rv32 = 32, rv64 = 64 };

template <class T, u32 kCount>
using Field = std::conditional_t<kCount == 1, T, std::array<T, kCount>>;

#define SECTION(instance, Type) \
  template <class xlen>         \
  struct Type {
#define FIELD(type, name, count) Field<type, count> name{};
#define SECTION_END(instance, Type) \
  }                                 \
  ;
#include "isa/state.def"

// One machine's state. Value type; zero is the state before initial_state().
template <class U>
struct State {
#define SECTION(instance, Type) Type<U> instance;
#define FIELD(type, name, count)
#define SECTION_END(instance, Type)
#include "isa/state.def"

  std::span<const u32> words() const {
    return {reinterpret_cast<const u32*>(this), sizeof(State) / 4};
  }
  std::span<u32> words() { return {reinterpret_cast<u32*>(this), sizeof(State) / 4}; }
};

static_assert(std::is_trivially_copyable_v<State<u32>> && std::is_trivially_copyable_v<State<u64>>);
static_assert(std::has_unique_object_representations_v<State<u32>>,
              "State<u32> has padding: reorder or pad a section");
static_assert(std::has_unique_object_representations_v<State<u64>>,
              "State<u64> has padding: reorder or pad a section");

// A state of either width, as engines hand it around.
using MachineState = std::variant<State<u32>, State<u64>>;

inline Xlen xlen_of(const MachineState& state) {
  return std::holds_alternative<State<u32>>(state) ? Xlen::rv32 : Xlen::rv64;
}
inline MachineState make_state(Xlen xlen) {
  if (xlen == Xlen::rv32) return State<u32>{};
  return State<u64>{};
}

}  // namespace rookery::isa
