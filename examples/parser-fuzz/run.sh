#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts tally.c and a mailbox into a guest, makes inputs out of those in seeds/, has them all parsed, and makes the
# inputs that crash it small. Arguments go to `rookery sweep`: ./run.sh --engine gpu --vms 16384
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=examples/common.sh
. ../common.sh

compile tally
{
  type_program tally
  cat << 'END'
awk 'BEGIN { for (i = 0; i < 256; i++) printf "ROOKERY-MAILBOX line %010d\n", i }' > /mailbox
PS1='ready'"# "
END
} | snapshot ready "ready# "
./mutate.py seeds out/corpus "${INPUTS:-2000}"
"$rookery" sweep fuzz.toml -o out/fuzz.sqlite --report out/fuzz.html "$@"
ROOKERY=$rookery ./minimise.py out/fuzz.sqlite "$@"
