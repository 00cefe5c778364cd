// SPDX-License-Identifier: Apache-2.0
// Shared module: what a machine prints, and the texts that stop it (Engine::stop_on_texts()). The engine provides
// console_put(), and a table of states and bytes: match_texts(), the number of texts, and match_next().

// How far the last bytes printed have come in the texts.
var<private> match_state: u32;

fn console_print(byte: u32) {
  console_put(byte);
  if (match_texts() == 0u) { return; }
  match_state = match_next(match_state, byte);
  if (match_state >= TEXT_STATES) {
    exit_raise(EXIT_TEXT, match_state - TEXT_STATES, 0u);
    match_state = 0u;
  }
}
