#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Takes a snapshot of a guest that has selftest.sh, and sweeps settings over forks of it (sysctls.toml), then command
# lines over boots (boots.toml). Arguments go to `rookery sweep`: ./run.sh --engine gpu
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=examples/common.sh
. ../common.sh

{
  echo "cat > /selftest << 'END'"
  cat selftest.sh
  cat << 'TYPED'
END
chmod +x /selftest
PS1='ready'"# "
TYPED
} | snapshot selftest "ready# "
"$rookery" sweep sysctls.toml -o out/sysctls.sqlite --report out/sysctls.html "$@"

"$rookery" pack -o out/cold.rook
"$rookery" sweep boots.toml -o out/boots.sqlite --report out/boots.html "$@"
