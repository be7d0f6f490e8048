package io.chatrelay.build;

import java.io.InputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import jakarta.ws.rs.HttpMethod;

import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.FieldNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.tree.analysis.Analyzer;
import org.objectweb.asm.tree.analysis.AnalyzerException;
import org.objectweb.asm.tree.analysis.Frame;

import io.chatrelay.build.Kinds.Kind;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * Jackson reads and writes by reflection, which a native image allows for registered classes only. Quarkus sees what a resource method
 * declares, but not what travels in a {@code Response}, a suspended reply or a problem's members; so each class of the house that Jackson
 * may meet has to be registered by its own annotation.
 */
final class Registrations {

    /** Whoever gets an {@code Object} from us here gives it to Jackson, or to what asks Jackson. */
    private static final Set<String> JACKSONS = Set.of("jakarta/ws/rs/core/Response",
            "jakarta/ws/rs/core/Response$ResponseBuilder",
            "org/jboss/resteasy/reactive/RestResponse", "org/jboss/resteasy/reactive/RestResponse$ResponseBuilder",
            "jakarta/ws/rs/container/AsyncResponse", "jakarta/ws/rs/container/ContainerResponseContext",
            "io/quarkiverse/resteasy/problem/HttpProblem$Builder", "com/fasterxml/jackson/databind/ObjectMapper",
            "com/fasterxml/jackson/databind/ObjectWriter", "com/fasterxml/jackson/databind/ObjectReader",
            "com/fasterxml/jackson/databind/node/ObjectNode", "com/fasterxml/jackson/databind/node/ArrayNode",
            "com/fasterxml/jackson/databind/JsonNode", "com/fasterxml/jackson/core/JsonGenerator");
    private static final Set<Type> TAKEN = Set.of(Type.getType(Object.class), Type.getType(Class.class));
    /** Copies what other calls gave a problem, and what the error format of a path makes. */
    private static final Set<String> PASSING_ON = Set.of("io.chatrelay.api.ErrorBody.lambda$shaped",
            "io.chatrelay.api.ErrorBody.shaped");

    private final Set<Class<?>> written = new TreeSet<>((a, b) -> a.getName().compareTo(b.getName()));
    private final Map<Class<?>, String> why = new HashMap<>();
    private final Set<String> faults = new TreeSet<>();
    private final String house;
    private final Set<Class<?>> otherwise;

    private Registrations(String house, Set<Class<?>> otherwise) {
        this.house = house;
        this.otherwise = otherwise;
    }

    /**
     * @param house     the prefix of the classes that answer for themselves
     * @param otherwise classes that have a serializer of their own
     */
    static Set<String> faults(String house, Collection<byte[]> classFiles, Set<Class<?>> otherwise) throws Exception {
        Registrations registrations = new Registrations(house, otherwise);
        List<ClassNode> classes = classFiles.stream().map(Registrations::read).toList();
        Kinds kinds = new Kinds(signatures(classes));
        for (ClassNode type : classes) {
            registrations.declared(Class.forName(type.name.replace('/', '.'), false, Registrations.class.getClassLoader()));
            for (MethodNode method : type.methods) {
                registrations.given(type, method, kinds);
            }
        }
        registrations.spread();
        return registrations.faults;
    }

    private static ClassNode read(byte[] file) {
        ClassNode type = new ClassNode();
        new ClassReader(file).accept(type, ClassReader.SKIP_DEBUG);
        return type;
    }

    private static Map<String, String> signatures(List<ClassNode> classes) {
        Map<String, String> signatures = new HashMap<>();
        for (ClassNode type : classes) {
            for (MethodNode method : type.methods) {
                signatures.put(type.name + "." + method.name + method.desc,
                        method.signature == null ? method.desc : method.signature);
            }
            for (FieldNode field : type.fields) {
                signatures.put(type.name + "." + field.name + field.desc,
                        field.signature == null ? field.desc : field.signature);
            }
        }
        return signatures;
    }

    /** What a resource method declares that it returns, and the body that it takes. */
    private void declared(Class<?> type) {
        for (Method method : type.getDeclaredMethods()) {
            if (Stream.of(method.getAnnotations()).noneMatch(each -> isHttp(each.annotationType()))) {
                continue;
            }
            meet(method.getGenericReturnType(), method.toString());
            for (Parameter parameter : method.getParameters()) {
                if (parameter.getAnnotations().length == 0 && parameter.getType() != InputStream.class) {
                    meet(parameter.getParameterizedType(), method.toString());
                }
            }
        }
    }

    private static boolean isHttp(Class<? extends Annotation> annotation) {
        return annotation.isAnnotationPresent(HttpMethod.class);
    }

    private void given(ClassNode type, MethodNode method, Kinds kinds) throws AnalyzerException {
        if (Stream.of(method.instructions.toArray()).noneMatch(Registrations::isGiving)) {
            return;
        }
        Frame<Kind>[] frames = new Analyzer<>(kinds).analyze(type.name, method);
        for (AbstractInsnNode instruction : method.instructions) {
            Frame<Kind> frame = frames[method.instructions.indexOf(instruction)];
            if (frame != null && isGiving(instruction)) {
                given(type.name.replace('/', '.') + "." + method.name, (MethodInsnNode) instruction, frame);
            }
        }
    }

    private static boolean isGiving(AbstractInsnNode instruction) {
        return instruction instanceof MethodInsnNode call && JACKSONS.contains(call.owner);
    }

    private void given(String where, MethodInsnNode call, Frame<Kind> frame) {
        Type[] parameters = Type.getArgumentTypes(call.desc);
        for (int i = 0; i < parameters.length; i++) {
            if (!TAKEN.contains(parameters[i])) {
                continue;
            }
            for (String name : frame.getStack(frame.getStackSize() - parameters.length + i).names()) {
                if (name.startsWith(house.replace('.', '/'))) {
                    meet(load(name), where);
                } else if (name.equals("java/lang/Object") && PASSING_ON.stream().noneMatch(where::startsWith)) {
                    faults.add(where + " gives something to " + call.name + " of which cannot be seen what it is");
                }
            }
        }
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name.replace('/', '.'), false, Registrations.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    private void meet(java.lang.reflect.Type type, String where) {
        switch (type) {
            case ParameterizedType generic -> {
                meet(generic.getRawType(), where);
                Arrays.stream(generic.getActualTypeArguments()).forEach(each -> meet(each, where));
            }
            case Class<?> plain when plain.isArray() -> meet(plain.componentType(), where);
            case Class<?> plain when plain.getName().startsWith(house) && !Throwable.class.isAssignableFrom(plain)
                    && !otherwise.contains(plain) -> {
                if (written.add(plain)) {
                    why.put(plain, where);
                }
            }
            default -> {}
        }
    }

    /** What is written is written with all that it has. */
    private void spread() {
        Deque<Class<?>> open = new ArrayDeque<>(written);
        while (!open.isEmpty()) {
            Class<?> type = open.pop();
            if (!type.isAnnotationPresent(RegisterForReflection.class)) {
                faults.add(type.getName() + " is not registered for reflection, and Jackson meets it through " + why.get(type));
            }
            Set<Class<?>> before = Set.copyOf(written);
            for (Method method : type.getDeclaredMethods()) {
                if (method.getParameterCount() == 0 && !Modifier.isStatic(method.getModifiers()) && isMember(type, method)) {
                    meet(method.getGenericReturnType(), type.getName());
                }
            }
            written.stream().filter(each -> !before.contains(each)).forEach(open::add);
        }
    }

    private static boolean isMember(Class<?> type, Method method) {
        return type.isRecord() ? Stream.of(type.getRecordComponents()).anyMatch(each -> each.getAccessor().equals(method))
                : method.getName().startsWith("get") || method.getName().startsWith("is");
    }
}
