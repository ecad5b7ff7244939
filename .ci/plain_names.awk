# pip checks hashes before it joins `name[extra]` with `name`, so that both must be in the lock:
# writes each locked requirement that has an extra a second time without it.
function flush() { printf "%s", plain; plain = "" }
/^[^ #]/ { flush(); has_extra = /^[A-Za-z0-9._-]+\[/ }
{ print }
has_extra && !/^    #/ { line = $0; sub(/\[[^]]*\]/, "", line); plain = plain line "\n" }
END { flush() }
