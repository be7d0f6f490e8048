package io.chatrelay.build;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpClient;
import java.nio.Buffer;
import java.nio.channels.Channel;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.Timer;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import java.util.zip.ZipFile;

import io.netty.buffer.ByteBuf;
import io.vertx.core.Context;
import io.vertx.core.Vertx;

/**
 * Quarkus initialises classes while the image is built, so what their static fields hold becomes part of it, and native-image refuses
 * what lives in one process only. Looked at are the declared types, for a field that is empty now may be filled by then, and what is
 * really there.
 */
final class ImageHeap {

    private static final List<Class<?>> REFUSED = List.of(io.vertx.core.buffer.Buffer.class, ByteBuf.class, Buffer.class,
            MemorySegment.class, RandomGenerator.class, Thread.class, Executor.class, Timer.class, FileDescriptor.class,
            FileInputStream.class, FileOutputStream.class, RandomAccessFile.class, ZipFile.class, Channel.class, Socket.class,
            ServerSocket.class, HttpClient.class, Process.class, Cleaner.class, Cleaner.Cleanable.class, Connection.class,
            Vertx.class, Context.class);
    /** Quarkus gives them to the image in its own way. */
    private static final List<String> LOGGING = List.of("org.jboss.logging.", "org.jboss.logmanager.", "org.slf4j.");
    /** Of one class: an object mapper has some thousands. */
    private static final int MOST_OBJECTS = 200_000;

    private final String house;
    private final List<String> faults = new ArrayList<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());

    private ImageHeap(String house) {
        this.house = house;
    }

    /** @param house the prefix of the classes whose fields are followed by their declared types */
    static List<String> faults(String house, Iterable<Class<?>> initialised) throws IllegalAccessException {
        ImageHeap heap = new ImageHeap(house);
        for (Class<?> type : initialised) {
            heap.check(type);
        }
        return heap.faults;
    }

    private void check(Class<?> type) throws IllegalAccessException {
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers()) || field.getType().isPrimitive()) {
                continue;
            }
            String path = type.getName() + "." + field.getName();
            if (declared(path, field.getType(), new HashSet<>())) {
                field.setAccessible(true);
                held(path, field.get(null));
            }
        }
    }

    /** @return whether nothing was found */
    private boolean declared(String path, Class<?> type, Set<Class<?>> known) {
        Optional<Class<?>> refused = refused(type);
        refused.ifPresent(each -> faults.add(path + " may hold a " + each.getName()));
        if (refused.isPresent() || !type.getName().startsWith(house) || !known.add(type)) {
            return refused.isEmpty();
        }
        boolean clean = true;
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                clean &= declared(path + "." + field.getName(), field.getType(), known);
            }
        }
        return clean;
    }

    private void held(String path, Object value) throws IllegalAccessException {
        if (value == null || value instanceof String || value instanceof Class<?> || isLogging(value) || !seen.add(value)) {
            return;
        }
        if (seen.size() > MOST_OBJECTS) {
            throw new IllegalStateException("more objects than are looked at, at " + path);
        }
        Optional<Class<?>> refused = refused(value.getClass());
        if (refused.isPresent()) {
            faults.add(path + " holds a " + value.getClass().getName());
            return;
        }
        switch (value) {
            case Map<?, ?> map -> {
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    held(path + "[key]", entry.getKey());
                    held(path + "[" + entry.getKey() + "]", entry.getValue());
                }
            }
            case Collection<?> all -> {
                for (Object each : all) {
                    held(path + "[]", each);
                }
            }
            case Optional<?> maybe -> held(path, maybe.orElse(null));
            case AtomicReference<?> reference -> held(path, reference.get());
            default -> fields(path, value);
        }
    }

    private void fields(String path, Object value) throws IllegalAccessException {
        Class<?> type = value.getClass();
        if (type.isArray()) {
            for (int i = 0; !type.componentType().isPrimitive() && i < Array.getLength(value); i++) {
                held(path + "[]", Array.get(value, i));
            }
            return;
        }
        // What the JDK keeps in its own objects is closed to us, and known to native-image.
        for (; type != null && !type.getModule().isNamed(); type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
                    field.setAccessible(true);
                    held(path + "." + field.getName(), field.get(value));
                }
            }
        }
    }

    private static boolean isLogging(Object value) {
        return LOGGING.stream().anyMatch(value.getClass().getName()::startsWith);
    }

    private static Optional<Class<?>> refused(Class<?> type) {
        return REFUSED.stream().filter(each -> each.isAssignableFrom(type)).findFirst();
    }
}
