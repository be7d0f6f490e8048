package io.chatrelay.support.it;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.awaitility.Awaitility;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;

import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;

/** A collector that keeps the spans that are exported to it over OTLP/HTTP. */
public final class OtlpReceiver implements AutoCloseable {

    /**
     * A span as it was exported. Ids are in hexadecimal digits, values of attributes as text.
     *
     * @param parentId empty for the first span of a trace
     * @param links    ids of traces and spans, each as {@code trace/span}
     * @param service  the name of the service that exported it
     */
    public record ExportedSpan(String service, String name, String kind, String traceId, String id, String parentId,
            long startNanos, long endNanos, Map<String, String> attributes, List<String> links, String status) {

        /** How a link names it. */
        public String asLink() {
            return traceId + "/" + id;
        }

        public String attribute(String key) {
            return attributes.get(key);
        }
    }

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final List<ExportedSpan> spans = new ArrayList<>();
    private final Buffer raw = Buffer.buffer();
    private final HttpServer server;

    public OtlpReceiver() {
        server = RelayClient.VERTX.createHttpServer().requestHandler(request -> request.body().onSuccess(body -> {
            take(body);
            request.response().putHeader("content-type", "application/x-protobuf").end();
        })).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
    }

    /** The settings of a service that exports to it, at once. */
    public RelayProcess.Setup exportedTo(RelayProcess.Setup setup) {
        return setup.with("otel.exporter.otlp.endpoint", "http://127.0.0.1:" + server.actualPort())
                .with("otel.exporter.otlp.protocol", "http/protobuf").with("quarkus.otel.bsp.schedule.delay", "100ms");
    }

    private synchronized void take(Buffer body) {
        raw.appendBuffer(body);
        try {
            for (ResourceSpans resource : ExportTraceServiceRequest.parseFrom(body.getBytes()).getResourceSpansList()) {
                String service = attributes(resource.getResource().getAttributesList()).get("service.name");
                resource.getScopeSpansList()
                        .forEach(scope -> scope.getSpansList().forEach(span -> spans.add(of(service, span))));
            }
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ExportedSpan of(String service, Span span) {
        return new ExportedSpan(service, span.getName(), span.getKind().name().replace("SPAN_KIND_", ""),
                hex(span.getTraceId()),
                hex(span.getSpanId()), hex(span.getParentSpanId()), span.getStartTimeUnixNano(), span.getEndTimeUnixNano(),
                attributes(span.getAttributesList()),
                span.getLinksList().stream().map(link -> hex(link.getTraceId()) + "/" + hex(link.getSpanId())).toList(),
                span.getStatus().getCode().name().replace("STATUS_CODE_", ""));
    }

    private static String hex(ByteString id) {
        return HexFormat.of().formatHex(id.toByteArray());
    }

    private static Map<String, String> attributes(List<KeyValue> attributes) {
        return attributes.stream().collect(Collectors.toMap(KeyValue::getKey, attribute -> text(attribute.getValue())));
    }

    private static String text(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue();
            case BOOL_VALUE -> Boolean.toString(value.getBoolValue());
            case INT_VALUE -> Long.toString(value.getIntValue());
            case DOUBLE_VALUE -> Double.toString(value.getDoubleValue());
            case ARRAY_VALUE -> value.getArrayValue().getValuesList().stream().map(OtlpReceiver::text).toList().toString();
            default -> throw new IllegalArgumentException("no attribute of this service is a " + value.getValueCase());
        };
    }

    public synchronized List<ExportedSpan> spans() {
        return List.copyOf(spans);
    }

    /** Everything that was exported, as it came: strings are readable in it. */
    public synchronized String raw() {
        return raw.toString(StandardCharsets.ISO_8859_1);
    }

    /** The only span of its kind, as soon as it is there. */
    public ExportedSpan await(String what, Predicate<ExportedSpan> wanted) {
        List<ExportedSpan> found = Awaitility.await("the span of " + what).atMost(PATIENCE)
                .until(() -> spans().stream().filter(wanted).toList(), some -> !some.isEmpty());
        if (found.size() > 1) {
            throw new IllegalStateException("several spans of " + what + ": " + found);
        }
        return found.getFirst();
    }

    @Override
    public void close() {
        server.close();
    }
}
