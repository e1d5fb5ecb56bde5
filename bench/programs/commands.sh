# Small programs, pipes and files.
i=0
while [ $i -lt 40 ]; do
    /usr/bin/true
    /usr/bin/head -c 20000 text | /usr/bin/sort | /usr/bin/wc -l >/tmp/bench-lines
    /usr/bin/cat /tmp/bench-lines
    /usr/bin/true
    i=$((i + 1))
done
