package io.chatrelay.benchmark;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * A picture of grouped bars, each from nothing to its median with a whisker from the least to the most. It has no background, and its colours are of a
 * middle tone, for it is looked at on white and on black.
 *
 * @param logarithmic for figures of different magnitudes: only the ends of such bars can be compared, not their lengths
 * @param groups      what stands below
 * @param series      the bars of each group, from left to right
 */
record Bars(String title, boolean logarithmic, List<String> groups, List<Series> series) {

    /** The bars of one colour. @param values one for each group; one that is not known has no bar */
    record Series(String name, String color, List<Range> values) {}

    private static final String INK = "#7d8590";
    private static final int WIDTH = 900;
    private static final int HEIGHT = 420;
    private static final int LEFT = 64;
    private static final int RIGHT = WIDTH - 16;
    private static final int TOP = 76;
    private static final int BOTTOM = HEIGHT - 36;
    private static final double GAP = 0.18;
    private static final int TICKS = 5;
    private static final int LEGEND_GAP = 32;
    private static final int LEGEND_LETTER = 6;

    String svg() {
        StringBuilder svg = new StringBuilder();
        line(svg,
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='13' fill='%s'>",
                WIDTH, HEIGHT, INK);
        line(svg, "<title>%s</title>", title);
        text(svg, LEFT, 22, "start", "<tspan font-size='16' font-weight='bold'>%s</tspan>".formatted(title));
        legend(svg);
        double[] ticks = ticks();
        for (double tick : ticks) {
            double y = y(tick, ticks);
            line(svg, "<path d='M%d %.1fH%d' stroke='%s' stroke-opacity='0.35'/>", LEFT, y, RIGHT, INK);
            text(svg, LEFT - 8, y + 4, "end", label(tick));
        }
        double width = (double) (RIGHT - LEFT) / groups.size();
        for (int group = 0; group < groups.size(); group++) {
            double x = LEFT + group * width;
            text(svg, x + width / 2, BOTTOM + 22, "middle", groups.get(group));
            group(svg, group, x + width * GAP / 2, width * (1 - GAP) / series.size(), ticks);
        }
        return svg.append("</svg>\n").toString().replace('\'', '"');
    }

    private void legend(StringBuilder svg) {
        int x = LEFT;
        for (Series one : series) {
            line(svg, "<rect x='%d' y='40' width='12' height='12' fill='%s'/>", x, one.color());
            text(svg, x + 16, 51, "start", "<tspan font-size='11'>%s</tspan>".formatted(one.name()));
            x += LEGEND_GAP + one.name().length() * LEGEND_LETTER;
        }
    }

    private void group(StringBuilder svg, int group, double x, double width, double... ticks) {
        for (int i = 0; i < series.size(); i++) {
            Range range = series.get(i).values().get(group);
            if (range.isKnown()) {
                double left = x + i * width;
                double top = y(range.median(), ticks);
                line(svg, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s'><title>%s: %s</title></rect>", left,
                        top,
                        width * 0.9, BOTTOM - top, series.get(i).color(), series.get(i).name(), range);
                double middle = left + width * 0.45;
                line(svg, "<path d='M%.1f %.1fV%.1fM%.1f %.1fh8m-8 %.1fh8' stroke='%s' stroke-width='1.5' fill='none'/>",
                        middle,
                        y(range.min(), ticks), y(range.max(), ticks), middle - 4, y(range.max(), ticks),
                        y(range.min(), ticks) - y(range.max(), ticks), INK);
            }
        }
    }

    /** From the lowest to the highest: powers of ten, or multiples of 1, 2 or 5 of one. */
    private double[] ticks() {
        double max = all().map(Math::abs).max().orElse(1);
        if (logarithmic) {
            int first = (int) Math.floor(Math.log10(all().filter(value -> value > 0).min().orElse(1)));
            int last = Math.max(first + 1, (int) Math.ceil(Math.log10(max)));
            return DoubleStream.iterate(first, power -> power <= last, power -> power + 1).map(power -> Math.pow(10, power))
                    .toArray();
        }
        double power = Math.pow(10, Math.floor(Math.log10(max / TICKS)));
        double step = DoubleStream.of(1, 2, 5, 10).map(factor -> factor * power).filter(s -> s * TICKS >= max).findFirst()
                .orElse(power);
        return DoubleStream.iterate(0, value -> value < max + step, value -> value + step).toArray();
    }

    private DoubleStream all() {
        return series.stream().map(Series::values).flatMap(Collection::stream).filter(Range::isKnown)
                .flatMapToDouble(range -> DoubleStream.of(range.min(), range.max()));
    }

    private double y(double value, double... ticks) {
        double low = ticks[0];
        double high = ticks[ticks.length - 1];
        double part = logarithmic ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : value / high;
        return BOTTOM - part * (BOTTOM - TOP);
    }

    private static String label(double tick) {
        return tick == Math.rint(tick) ? String.format(Locale.ROOT, "%,.0f", tick) : Double.toString(tick);
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
        line(svg, "<text x='%.1f' y='%.1f' text-anchor='%s'>%s</text>", x, y, anchor, text);
    }

    private static void line(StringBuilder svg, String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
