# Words counted.
{ for (i = 1; i <= NF; i++) { counts[$i]++; n += length($i) } }
END { for (w in counts) different++; print different, n, counts["the"]
      for (i = 0; i < 1500000; i++) x = (x * 5 + i) % 65521
      print x }
