# SPDX-License-Identifier: Apache-2.0
# gnuplot: rates and peak memory over the size of a load. Variables: data, out, kinds. Made by ./dev bench --plot.
set terminal svg size 900,360 font "sans-serif,12" background "white" name "caseload"
set output out
set multiplot layout 1,2
set logscale x 10
set format x "10^{%L}"
set xlabel "records"
set grid
set autoscale xfix
set key bottom right
set yrange [0:*]
set title "records a second"
plot for [kind in kinds] data using (stringcolumn(1) eq kind ? $2 : NaN):3 with linespoints pointtype 7 title kind
set title "peak memory, MiB"
plot for [kind in kinds] data using (stringcolumn(1) eq kind ? $2 : NaN):4 with linespoints pointtype 7 title kind
unset multiplot
