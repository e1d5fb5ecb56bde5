-- Tables, strings, closures.
local counts, words = {}, 0
for line in io.lines("text.small") do
  for word in line:gmatch("%S+") do
    counts[word] = (counts[word] or 0) + 1
    words = words + 1
  end
end
print(words, counts["the"])
local sieve, primes = {}, 0
for i = 2, 600000 do
  if not sieve[i] then
    primes = primes + 1
    for j = i * i, 600000, i do sieve[j] = true end
  end
end
print(primes)
local function counter(step)
  local n = 0
  return function() n = n + step; return n end
end
local a, b, sum = counter(1), counter(3), 0
for i = 1, 4000000 do sum = (sum + a() * 2 + b()) % 1000003 end
print(sum)
