# For bench/time and bench/memory, which source it: a guest whose console is read and written here.

image=${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead/images/debian/current
prompt='/root # '

now_us() { local t=$EPOCHREALTIME; echo "${t/[.,]/}"; }

# start_guest COMMAND...: boots a guest; its process is $process, its console $output and $input.
start_guest() {
    coproc guest { exec "$@" 2>/dev/null; }
    process=$guest_PID output=${guest[0]} input=${guest[1]}
    disown "$process" # nothing is to be said of how it ends
    trap 'kill -KILL "$process" 2>/dev/null || true' EXIT
}

end_guest() {
    kill -KILL "$process" 2>/dev/null || true
    while kill -0 "$process" 2>/dev/null; do sleep 0.1; done
    exec {input}>&- {output}<&- || true
}

# await TEXT SECONDS: reads the console up to a text within a line; a prompt has no end of line.
await() {
    local line='' c deadline=$((SECONDS + $2))
    while ((SECONDS < deadline)); do
        if ! IFS= read -r -N 1 -t 5 -u "$output" c; then
            kill -0 "$process" 2>/dev/null || return 1
            continue
        fi
        line+=$c
        if [[ $line == *"$1" ]]; then return; fi
        if [[ $c == $'\n' ]]; then line=''; fi
    done
    return 1
}

# What every results file says of where it was measured.
place_json() {
    echo "  \"date\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\","
    echo "  \"host\": \"$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs\","
    echo "  \"image\": \"$(basename "$(readlink -f "$image")")\","
}
