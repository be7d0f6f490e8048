package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a class refers to is there, in the library's version that is packaged. */
class LinkageTest {

    private static final ClassDesc TEXT = ConstantDescs.CD_String;

    @TempDir
    Path directory;

    @Test
    void ofTheServiceAndOfLibrariesFromOutsideOfThePlatform() throws IOException {
        Set<String> removed = removed();
        try (ClassPath classes = new ClassPath()) {
            List<String> checked = new ArrayList<>(classes.add(Production.CLASSES));
            Production.fromOutside().forEach(jar -> checked.addAll(classes.add(jar)));
            checked.removeIf(name -> removed.contains(name) && !Files.exists(Production.CLASSES.resolve(name + ".class")));
            Production.jars().forEach(classes::add);

            assertThat(Linkage.of(classes, checked).broken()).isEmpty();
        }
    }

    @Test
    void isBrokenWhereAMemberIsMissing() throws IOException {
        Linkage.Result found = link(code -> {
            code.getstatic(TEXT, "headerName", ConstantDescs.CD_Object).pop();
            code.getstatic(TEXT, "CASE_INSENSITIVE_ORDER", ClassDesc.of("java.util.Comparator")).pop();
            code.ldc("x").invokevirtual(TEXT, "toHeader", MethodTypeDesc.of(TEXT)).pop();
            code.ldc("x").invokevirtual(TEXT, "hashCode", MethodTypeDesc.of(ConstantDescs.CD_int)).pop();
            // Declared by its super class.
            code.ldc("x").invokevirtual(TEXT, "getClass", MethodTypeDesc.of(ConstantDescs.CD_Class)).pop();
        });

        assertThat(found.broken()).containsExactlyInAnyOrder(
                "made/Referring refers to java/lang/String.headerName:Ljava/lang/Object;, which is not there",
                "made/Referring refers to java/lang/String.toHeader:()Ljava/lang/String;, which is not there");
        assertThat(found.missing()).isEmpty();
    }

    @Test
    void isAnotherMatterWhereTheClassIsMissing() throws IOException {
        Linkage.Result found = link(code -> code.getstatic(ClassDesc.of("some.optional.Library"), "X", TEXT).pop());

        assertThat(found.broken()).isEmpty();
        assertThat(found.missing()).containsExactly("some/optional/Library in made/Referring");
    }

    private Linkage.Result link(Consumer<java.lang.classfile.CodeBuilder> code) throws IOException {
        Files.createDirectory(directory.resolve("made"));
        Files.write(directory.resolve("made/Referring.class"), ClassFile.of().build(ClassDesc.of("made.Referring"),
                type -> type.withMethodBody("refer", ConstantDescs.MTD_void, ClassFile.ACC_STATIC, body -> {
                    code.accept(body);
                    body.return_();
                })));
        try (ClassPath classes = new ClassPath()) {
            return Linkage.of(classes, classes.add(directory));
        }
    }

    /** Classes that the packaged libraries do not have. */
    private static Set<String> removed() throws IOException {
        Properties properties = new Properties();
        properties.load(new StringReader(Production.read(Production.CLASSES.resolve("application.properties"))));
        return properties.stringPropertyNames().stream()
                .filter(name -> name.startsWith("quarkus.class-loading.removed-resources."))
                .flatMap(name -> Arrays.stream(properties.getProperty(name).split(",")))
                .map(file -> file.strip().replace(".class", "")).collect(Collectors.toSet());
    }
}
