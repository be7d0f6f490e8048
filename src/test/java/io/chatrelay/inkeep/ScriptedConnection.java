package io.chatrelay.inkeep;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/**
 * The connections of one stream, without a network: the test says when one is made, answered, ended or broken, and sees in order what the
 * stream does to it. It answers only those methods of Vert.x that the streams of this package use.
 */
final class ScriptedConnection {

    private interface Method {
        Object call(Object[] arguments);
    }

    private static final String NO_METHOD = "a method that no stream uses: ";

    private final ManualEventLoop loop;
    private final List<String> calls = new ArrayList<>();
    private final HttpClient client = proxy(HttpClient.class, Map.of("request", _ -> connect()));
    private Promise<HttpClientRequest> connecting;
    private Promise<HttpClientResponse> answering;
    private Handler<Buffer> bytes;
    private Handler<Void> end;
    private Handler<Throwable> broken;

    ScriptedConnection(ManualEventLoop loop) {
        this.loop = loop;
    }

    static <T> T proxy(Class<T> type, Map<String, ? extends Method> methods) {
        InvocationHandler calls = (self, method, arguments) -> switch (method.getName()) {
            case "equals" -> self == arguments[0];
            case "hashCode" -> System.identityHashCode(self);
            case "toString" -> "scripted " + type.getSimpleName();
            default -> {
                Method answer = methods.get(method.getName());
                if (answer == null) {
                    throw new UnsupportedOperationException(NO_METHOD + method.getName());
                }
                Object result = answer.call(arguments);
                yield result == null && method.getReturnType().isInstance(self) ? self : result;
            }
        };
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{ type }, calls));
    }

    HttpClient client() {
        return client;
    }

    /** What the stream did since the last call of this method. */
    List<String> calls() {
        List<String> since = List.copyOf(calls);
        calls.clear();
        return since;
    }

    private Object told(String call) {
        calls.add(call);
        return null;
    }

    private Future<HttpClientRequest> connect() {
        calls.add("connect");
        connecting = Promise.promise();
        return connecting.future();
    }

    private Future<HttpClientResponse> answer() {
        answering = Promise.promise();
        return answering.future();
    }

    void connects() {
        Map<String, Method> methods = new HashMap<>();
        methods.put("exceptionHandler", _ -> null);
        methods.put("send", _ -> {
            calls.add("send");
            return answer();
        });
        methods.put("response", _ -> answer());
        methods.put("end", _ -> {
            calls.add("send");
            return Future.succeededFuture();
        });
        methods.put("reset", _ -> {
            calls.add("reset");
            return true;
        });
        HttpClientRequest request = proxy(HttpClientRequest.class, methods);
        loop.run(() -> connecting.complete(request));
    }

    void isRefused(Throwable why) {
        loop.run(() -> connecting.fail(why));
    }

    /** The connection breaks before an answer. */
    void breaksBeforeItsAnswer() {
        loop.run(() -> answering.fail(new IllegalStateException("closed")));
    }

    /** The head of an answer arrives. @param headers names and values */
    void answers(int status, String... headers) {
        MultiMap named = MultiMap.caseInsensitiveMultiMap();
        for (int i = 0; i < headers.length; i += 2) {
            named.add(headers[i], headers[i + 1]);
        }
        Map<String, Method> methods = new HashMap<>();
        methods.put("statusCode", _ -> status);
        methods.put("headers", _ -> named);
        methods.put("getHeader", arguments -> named.get((String) arguments[0]));
        methods.put("handler", arguments -> set(() -> bytes = handler(arguments)));
        methods.put("endHandler", arguments -> set(() -> end = handler(arguments)));
        methods.put("exceptionHandler", arguments -> set(() -> broken = handler(arguments)));
        methods.put("pause", _ -> told("pause"));
        methods.put("resume", _ -> told("resume"));
        methods.put("fetch", _ -> told("fetch"));
        HttpClientResponse head = proxy(HttpClientResponse.class, methods);
        loop.run(() -> answering.complete(head));
    }

    void streams() {
        answers(200, "content-type", "text/event-stream");
    }

    private static Object set(Runnable setter) {
        setter.run();
        return null;
    }

    @SuppressWarnings("unchecked")
    private static <T> Handler<T> handler(Object[] arguments) {
        return (Handler<T>) arguments[0];
    }

    /** A part of the body arrives. */
    void sends(String part) {
        loop.run(() -> bytes.handle(Buffer.buffer(part)));
    }

    /** Frames arrive together, each with these data. */
    void sendsFrames(String... data) {
        sends(String.join("", List.of(data).stream().map("data: %s\n\n"::formatted).toList()));
    }

    void ends() {
        loop.run(() -> end.handle(null));
    }

    void breaks() {
        loop.run(() -> broken.handle(new IllegalStateException("closed")));
    }
}
