# Words counted, a sieve, objects.
counts = {}
with open("text.small") as f:
    for line in f:
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1
print(len(counts), sorted(counts.items(), key=lambda p: (-p[1], p[0]))[:3])


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, by):
        return Point(self.x + by, self.y - by)


p = Point(0, 0)
for i in range(300000):
    p = p.moved(i & 7)
print(p.x, p.y)
sieve = [True] * 300000
for i in range(2, 548):
    if sieve[i]:
        for j in range(i * i, 300000, i):
            sieve[j] = False
print(sum(sieve))
