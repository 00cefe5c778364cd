#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts sort.c into a guest, takes a snapshot as it begins to sort, and runs the faults of faults.toml on forks of
# that. Arguments go to `rookery sweep`: ./run.sh --engine gpu --vms 16384
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=examples/common.sh
. ../common.sh

compile sort
{
  type_program sort
  echo "/sort"
} | snapshot sorting "sorting"
"$rookery" sweep faults.toml -o out/faults.sqlite --report out/faults.html "$@"
