package io.chatrelay.build;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.objectweb.asm.Handle;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.InvokeDynamicInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.TypeInsnNode;
import org.objectweb.asm.tree.analysis.AnalyzerException;
import org.objectweb.asm.tree.analysis.BasicInterpreter;
import org.objectweb.asm.tree.analysis.BasicValue;
import org.objectweb.asm.tree.analysis.Interpreter;
import org.objectweb.asm.tree.analysis.Value;

/**
 * Tells of each value in a method which classes it may be of, or hold: all that flow together count, a list is what was put into it, and
 * a stream what its functions return.
 */
final class Kinds extends Interpreter<Kinds.Kind> {

    /** @param names internal names of classes; none for a primitive, for null, and for an empty list */
    record Kind(int size, Set<String> names) implements Value {

        @Override
        public int getSize() {
            return size;
        }

        Kind and(Kind other) {
            return names.containsAll(other.names) ? this
                    : new Kind(size, Stream.concat(names.stream(), other.names.stream()).collect(Collectors.toSet()));
        }
    }

    /** Of what these return is what their function returns, and not what they were called on. */
    private static final Set<String> REPLACING = Set.of("map", "mapToObj", "flatMap");
    private static final Pattern CLASS = Pattern.compile("L([^;<]+)[;<]");
    private static final Pattern VARIABLE = Pattern.compile("(^|[;<*+\\-])T[A-Z]\\w*;");

    private final BasicInterpreter sizes = new BasicInterpreter();
    private final Map<String, String> signatures;

    /** @param signatures the generic ones of methods and fields, by owner, name and descriptor: they tell what a list is of */
    Kinds(Map<String, String> signatures) {
        super(Opcodes.ASM9);
        this.signatures = signatures;
    }

    /** What is named in a signature; of a method's, what it returns. */
    private static Set<String> named(String signature) {
        return CLASS.matcher(signature.substring(signature.indexOf(')') + 1)).results().map((MatchResult each) -> each.group(1))
                .collect(Collectors.toSet());
    }

    private static Set<String> names(Type type, String signature) {
        Type element = type.getSort() == Type.ARRAY ? type.getElementType() : type;
        Set<String> names = new HashSet<>(signature == null ? Set.of() : named(signature));
        if (element.getSort() == Type.OBJECT) {
            names.add(element.getInternalName());
        }
        return names;
    }

    private Set<String> member(String owner, String name, String descriptor, Type type) {
        return names(type, signatures.get(owner + "." + name + descriptor));
    }

    private static Kind kind(BasicValue size, Set<String> names) {
        return size == null ? null : new Kind(size.getSize(), names);
    }

    @Override
    public Kind newValue(Type type) {
        return kind(sizes.newValue(type), type == null ? Set.of() : names(type, null));
    }

    @Override
    public Kind newOperation(AbstractInsnNode instruction) throws AnalyzerException {
        return kind(sizes.newOperation(instruction), switch (instruction) {
            case FieldInsnNode field -> member(field.owner, field.name, field.desc, Type.getType(field.desc));
            case TypeInsnNode created -> Set.of(created.desc);
            case LdcInsnNode constant when constant.cst instanceof Type type -> names(type, null);
            case LdcInsnNode constant when constant.cst instanceof String -> Set.of("java/lang/String");
            default -> Set.of();
        });
    }

    @Override
    public Kind copyOperation(AbstractInsnNode instruction, Kind value) {
        return value;
    }

    @Override
    public Kind unaryOperation(AbstractInsnNode instruction, Kind value) throws AnalyzerException {
        return kind(sizes.unaryOperation(instruction, BasicValue.REFERENCE_VALUE), switch (instruction) {
            case FieldInsnNode field -> member(field.owner, field.name, field.desc, Type.getType(field.desc));
            // A cast to a list says nothing of what is in there.
            case TypeInsnNode cast when cast.getOpcode() == Opcodes.CHECKCAST ->
                    isContainer(Type.getObjectType(cast.desc)) ? value.names() : names(Type.getObjectType(cast.desc), null);
            default -> Set.of();
        });
    }

    @Override
    public Kind binaryOperation(AbstractInsnNode instruction, Kind left, Kind right) throws AnalyzerException {
        return kind(sizes.binaryOperation(instruction, BasicValue.REFERENCE_VALUE, BasicValue.REFERENCE_VALUE),
                instruction.getOpcode() == Opcodes.AALOAD ? left.names() : Set.of());
    }

    @Override
    public Kind ternaryOperation(AbstractInsnNode instruction, Kind array, Kind index, Kind value) {
        return null;
    }

    @Override
    public Kind naryOperation(AbstractInsnNode instruction, List<? extends Kind> values) throws AnalyzerException {
        return kind(sizes.naryOperation(instruction, List.of()), switch (instruction) {
            case InvokeDynamicInsnNode dynamic -> function(dynamic);
            case MethodInsnNode call -> returned(call, values);
            default -> Set.of();
        });
    }

    /** A function stands for what it returns. */
    private Set<String> function(InvokeDynamicInsnNode dynamic) {
        if (dynamic.bsmArgs.length > 1 && dynamic.bsmArgs[1] instanceof Handle handle) {
            return handle.getTag() == Opcodes.H_NEWINVOKESPECIAL ? Set.of(handle.getOwner())
                    : member(handle.getOwner(), handle.getName(), handle.getDesc(), Type.getReturnType(handle.getDesc()));
        }
        return names(Type.getReturnType(dynamic.desc), null);
    }

    private Set<String> returned(MethodInsnNode call, List<? extends Kind> values) {
        Type type = Type.getReturnType(call.desc);
        String signature = signatures.get(call.owner + "." + call.name + call.desc);
        if (!isContainer(type)
                || signature != null && !VARIABLE.matcher(signature.substring(signature.indexOf(')') + 1)).find()) {
            return names(type, signature);
        }
        boolean replaced = REPLACING.contains(call.name) && values.size() > 1;
        return (replaced ? values.subList(1, values.size()) : values).stream().flatMap(value -> value.names().stream())
                .collect(Collectors.toSet());
    }

    /** What may hold anything, so that one looks at what was put in. */
    static boolean isContainer(Type type) {
        return type.getSort() == Type.OBJECT && (type.getInternalName().equals("java/lang/Object")
                || type.getInternalName().startsWith("java/util/") && !type.getInternalName().equals("java/util/UUID"));
    }

    @Override
    public void returnOperation(AbstractInsnNode instruction, Kind value, Kind expected) {}

    @Override
    public Kind merge(Kind one, Kind other) {
        return one.and(other);
    }
}
