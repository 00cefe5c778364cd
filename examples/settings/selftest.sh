#!/bin/sh
# selftest MIB PROCESSES: what a small system has to be able to do, as a test of its settings. It uses so much memory
# at once, has so many processes at once, and finds in a file what it has written.
dd if=/dev/zero of=/dev/null bs="$1M" count=1 2> /tmp/said
case $? in
  0) ;;
  137) echo "self-test: killed" && exit 1 ;;
  *) echo "self-test: $(tail -n 1 /tmp/said)" && exit 1 ;;
esac
count=0
while [ "$count" -lt "$2" ]; do
  sleep 1 &
  count=$((count + 1))
done
wait
seq 1000 > /tmp/numbers
if [ "$(md5sum < /tmp/numbers)" != "53d025127ae99ab79e8502aae2d9bea6  -" ]; then
  echo "self-test: wrong numbers" && exit 1
fi
echo "self-test: good"
