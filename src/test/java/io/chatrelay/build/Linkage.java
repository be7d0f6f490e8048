package io.chatrelay.build;

import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.FieldRefEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Resolves what the constant pool of a class refers to, as {@code --link-at-build-time} does. */
final class Linkage {

    /** Their methods have whatever signature is called. */
    private static final Set<String> POLYMORPHIC = Set.of("java/lang/invoke/MethodHandle", "java/lang/invoke/VarHandle");

    /**
     * @param broken  a member that its class does not have
     * @param missing classes that are not there: of libraries that are optional, as a rule
     */
    record Result(List<String> broken, Set<String> missing) {}

    private final ClassPath classPath;
    private final List<String> broken = new ArrayList<>();
    private final Set<String> missing = new TreeSet<>();

    private Linkage(ClassPath classPath) {
        this.classPath = classPath;
    }

    static Result of(ClassPath classPath, Iterable<String> classes) {
        Linkage linkage = new Linkage(classPath);
        classes.forEach(name -> linkage.check(classPath.find(name).orElseThrow()));
        return new Result(linkage.broken, linkage.missing);
    }

    private void check(ClassModel from) {
        for (PoolEntry entry : from.constantPool()) {
            if (entry instanceof ClassEntry named && !named.asInternalName().startsWith("[")) {
                exists(from, named.asInternalName());
            } else if (entry instanceof MemberRefEntry member && !member.owner().asInternalName().startsWith("[")) {
                resolve(from, member);
            }
        }
    }

    private boolean exists(ClassModel from, String name) {
        boolean found = classPath.find(name).isPresent();
        if (!found) {
            missing.add(name + " in " + from.thisClass().asInternalName());
        }
        return found;
    }

    private void resolve(ClassModel from, MemberRefEntry member) {
        String owner = member.owner().asInternalName();
        if (!POLYMORPHIC.contains(owner) && exists(from, owner) && has(owner, member) == Answer.NO) {
            broken.add("%s refers to %s.%s:%s, which is not there".formatted(from.thisClass().asInternalName(), owner,
                    member.name().stringValue(), member.type().stringValue()));
        }
    }

    /** Nobody knows what a super class has that is not there. */
    private enum Answer {
        YES, NO, UNKNOWN
    }

    private Answer has(String owner, MemberRefEntry member) {
        Optional<ClassModel> found = classPath.find(owner);
        if (found.isEmpty()) {
            return Answer.UNKNOWN;
        }
        if (declares(found.get(), member)) {
            return Answer.YES;
        }
        List<String> above = new ArrayList<>();
        found.get().superclass().map(ClassEntry::asInternalName).ifPresent(above::add);
        found.get().interfaces().forEach(each -> above.add(each.asInternalName()));
        Answer answer = Answer.NO;
        for (String parent : above) {
            Answer there = has(parent, member);
            if (there == Answer.YES) {
                return there;
            }
            answer = there == Answer.UNKNOWN ? there : answer;
        }
        return answer;
    }

    private static boolean declares(ClassModel type, MemberRefEntry member) {
        String name = member.name().stringValue();
        String descriptor = member.type().stringValue();
        return member instanceof FieldRefEntry
                ? type.fields().stream().anyMatch(field -> field.fieldName().equalsString(name)
                        && field.fieldType().equalsString(descriptor))
                : type.methods().stream().anyMatch(method -> method.methodName().equalsString(name)
                        && method.methodType().equalsString(descriptor));
    }
}
