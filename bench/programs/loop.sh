# Arithmetic and patterns, without another program.
i=0 x=1
while [ $i -lt 200000 ]; do
    x=$(((x * 5 + i) % 65521))
    case $x in *7) y=$((y + 1)) ;; esac
    i=$((i + 1))
done
echo "$x $y"
