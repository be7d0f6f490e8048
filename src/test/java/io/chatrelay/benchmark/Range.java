package io.chatrelay.benchmark;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A figure over all runs. */
record Range(double min, double median, double max) {

    private static final int FEW = 10;
    private static final int TINY = 1;

    /** Runs that have not measured it are passed over; without any it is not a number. */
    static <T> Range over(List<T> runs, ToDoubleFunction<T> figure) {
        double[] sorted = runs.stream().mapToDouble(figure).filter(Double::isFinite).sorted().toArray();
        if (sorted.length == 0) {
            return new Range(Double.NaN, Double.NaN, Double.NaN);
        }
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Range(sorted[0], median, sorted[sorted.length - 1]);
    }

    boolean isKnown() {
        return Double.isFinite(median);
    }

    /** The median, and in brackets the least and the most. */
    @Override
    public String toString() {
        if (!isKnown()) {
            return "–";
        }
        String middle = text(median);
        return min == max ? middle : "%s (%s–%s)".formatted(middle, text(min), text(max));
    }

    private static String text(double value) {
        String format = Math.abs(value) < TINY ? "%.2f" : Math.abs(value) < FEW ? "%.1f" : "%,.0f";
        return value == Math.rint(value) ? String.format(Locale.ROOT, "%,.0f", value)
                : String.format(Locale.ROOT, format, value);
    }
}
