package io.chatrelay.build;

import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ConstantDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Finds what the house asks for by a name: a native image has only those resources, services and classes that it was told of. */
final class ByName {

    private static final Set<String> RESOURCES = Set.of("getResource", "getResourceAsStream", "getResources", "resources",
            "getSystemResource", "getSystemResourceAsStream", "getSystemResources");
    private static final Set<String> OWNERS = Set.of("java/lang/Class", "java/lang/ClassLoader", "java/lang/Module");

    private final List<String> included;
    private final Set<String> known;
    private final Set<String> faults = new TreeSet<>();

    private ByName(List<String> included, Set<String> known) {
        this.included = included;
        this.known = known;
    }

    /**
     * @param included the values of {@code quarkus.native.resources.includes}
     * @param known    classes that may be asked for by their names
     */
    static Set<String> faults(Iterable<ClassModel> classes, List<String> included, Set<String> known) {
        ByName names = new ByName(included, known);
        for (ClassModel type : classes) {
            type.methods().forEach(method -> names.check(type.thisClass().asInternalName().replace('/', '.'), method));
        }
        return names.faults;
    }

    private void check(String type, MethodModel method) {
        String where = type + "." + method.methodName().stringValue();
        List<String> texts = new ArrayList<>();
        List<InvokeInstruction> calls = new ArrayList<>();
        method.code().ifPresent(code -> code.forEach(element -> {
            switch (element) {
                case ConstantInstruction constant -> text(constant.constantValue(), texts);
                case InvokeDynamicInstruction concat -> concat.bootstrapArgs().forEach(each -> text(each, texts));
                case InvokeInstruction call -> calls.add(call);
                default -> {}
            }
        }));
        calls.forEach(call -> check(where, call, texts));
    }

    private static void text(ConstantDesc constant, List<String> texts) {
        if (constant instanceof String text) {
            texts.add(text);
        }
    }

    private void check(String where, InvokeInstruction call, List<String> texts) {
        String owner = call.owner().asInternalName();
        String name = call.name().stringValue();
        if (OWNERS.contains(owner) && RESOURCES.contains(name)) {
            if (texts.stream().noneMatch(this::isIncluded)) {
                faults.add(where + " reads a resource that quarkus.native.resources.includes does not name: " + texts);
            }
        } else if (OWNERS.contains(owner) && Set.of("forName", "loadClass").contains(name)) {
            if (texts.stream().noneMatch(known::contains)) {
                faults.add(where + " looks up a class by its name that a native image does not know: " + texts);
            }
        } else if (owner.equals("java/util/ServiceLoader") && name.startsWith("load")) {
            faults.add(where + " loads services, which a native image has only where an extension names them");
        }
    }

    /** A name may be put together, so its beginning counts. */
    private boolean isIncluded(String text) {
        String path = text.startsWith("/") ? text.substring(1) : text;
        int end = path.indexOf('\1');
        String start = end < 0 ? path : path.substring(0, end);
        return !start.isEmpty()
                && included.stream().anyMatch(glob -> start.startsWith(Stream.of(glob.split("[*]")).findFirst().orElse("")));
    }
}
