# Words counted, a sieve.
open(my $f, '<', 'text.small') or die;
my %counts;
while (<$f>) { $counts{$_}++ for split; }
my @top = (sort { $counts{$b} <=> $counts{$a} || $a cmp $b } keys %counts)[0 .. 2];
print scalar(keys %counts), " @top\n";
my @sieve = (1) x 400000;
for my $i (2 .. 632) {
    next unless $sieve[$i];
    for (my $j = $i * $i; $j < 400000; $j += $i) { $sieve[$j] = 0; }
}
my $primes = 0;
$primes += $_ for @sieve;
print "$primes\n";
