package io.chatrelay.benchmark;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A picture of curves over minutes, in panels one below the other, each from nothing to its own highest value. It has no background, and its colours are of
 * a middle tone, for it is looked at on white and on black.
 *
 * @param minutes of each point, rising
 */
record Curves(String title, double[] minutes, List<Panel> panels) {

    /** @param unit of all its curves */
    record Panel(String unit, List<Curve> curves) {}

    /** @param values one for each minute */
    record Curve(String name, String color, double[] values) {

        private double highest() {
            double highest = 0;
            for (double value : values) {
                highest = Math.max(highest, value);
            }
            return highest;
        }
    }

    private static final String INK = "#7d8590";
    private static final int WIDTH = 900;
    private static final int LEFT = 64;
    private static final int RIGHT = WIDTH - 16;
    private static final int HEAD = 40;
    private static final int PANEL = 170;
    private static final int TOP = 28;
    private static final int BOTTOM = 146;
    private static final int LEGEND_GAP = 32;
    private static final int LEGEND_LETTER = 6;

    String svg() {
        StringBuilder svg = new StringBuilder();
        add(svg, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12' fill='%s'>",
                WIDTH, HEAD + PANEL * panels.size(), INK);
        add(svg, "<title>%s</title>", title);
        add(svg, "<text x='%d' y='22' font-size='16' font-weight='bold'>%s</text>", LEFT, title);
        for (int i = 0; i < panels.size(); i++) {
            panel(svg, panels.get(i), HEAD + i * PANEL);
        }
        return svg.append("</svg>\n").toString().replace('\'', '"');
    }

    private void panel(StringBuilder svg, Panel panel, int y) {
        double highest = Math.max(1, panel.curves().stream().mapToDouble(Curve::highest).max().orElse(1));
        int x = LEFT;
        for (Curve curve : panel.curves()) {
            add(svg, "<rect x='%d' y='%d' width='12' height='12' fill='%s'/>", x, y + 4, curve.color());
            add(svg, "<text x='%d' y='%d'>%s</text>", x + 16, y + 15, curve.name());
            x += LEGEND_GAP + curve.name().length() * LEGEND_LETTER;
        }
        for (double part : new double[]{ 0, 0.5, 1 }) {
            double line = y + BOTTOM - part * (BOTTOM - TOP);
            add(svg, "<path d='M%d %.1fH%d' stroke='%s' stroke-opacity='0.35'/>", LEFT, line, RIGHT, INK);
            add(svg, "<text x='%d' y='%.1f' text-anchor='end'>%,.0f</text>", LEFT - 8, line + 4, highest * part);
        }
        add(svg, "<text x='%d' y='%d'>%s</text>", LEFT, y + BOTTOM + 16, panel.unit());
        add(svg, "<text x='%d' y='%d' text-anchor='end'>minute %.0f</text>", RIGHT, y + BOTTOM + 16,
                minutes[minutes.length - 1]);
        for (Curve curve : panel.curves()) {
            add(svg, "<polyline fill='none' stroke-width='1.5' stroke='%s' points='%s'/>", curve.color(),
                    points(curve, y, highest));
        }
    }

    private String points(Curve curve, int y, double highest) {
        double last = Math.max(minutes[minutes.length - 1], 1e-9);
        return IntStream.range(0, minutes.length)
                .mapToObj(i -> String.format(Locale.ROOT, "%.1f,%.1f", LEFT + minutes[i] / last * (RIGHT - LEFT),
                        y + BOTTOM - curve.values()[i] / highest * (BOTTOM - TOP)))
                .collect(Collectors.joining(" "));
    }

    private static void add(StringBuilder svg, String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
