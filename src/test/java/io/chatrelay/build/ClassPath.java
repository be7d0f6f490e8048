package io.chatrelay.build;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/** The classes of some jars and directories, and of the JDK that runs this. The first entry that has a class gives it, when it is asked for. */
final class ClassPath implements AutoCloseable {

    private static final FileSystem JDK = FileSystems.getFileSystem(URI.create("jrt:/"));

    /** Reads one class file. */
    private interface Source {

        InputStream open() throws IOException;
    }

    private final Map<String, Source> sources = new HashMap<>();
    private final Map<String, Optional<ClassModel>> parsed = new HashMap<>();
    private final List<ZipFile> jars = new ArrayList<>();

    /** @return the names of the classes that this entry gives, as class files write them: {@code io/chatrelay/Main} */
    List<String> add(Path entry) {
        try {
            return Files.isDirectory(entry) ? addDirectory(entry) : addJar(entry);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> addDirectory(Path directory) throws IOException {
        List<String> added = new ArrayList<>();
        try (Stream<Path> files = Files.walk(directory)) {
            files.filter(Files::isRegularFile)
                    .forEach(file -> add(directory.relativize(file).toString(), () -> Files.newInputStream(file), added));
        }
        return added;
    }

    private List<String> addJar(Path jar) throws IOException {
        List<String> added = new ArrayList<>();
        ZipFile zip = new ZipFile(jar.toFile());
        jars.add(zip);
        zip.stream().forEach(entry -> add(entry.getName(), () -> zip.getInputStream(entry), added));
        return added;
    }

    private void add(String file, Source source, List<String> added) {
        if (file.endsWith(".class") && !file.startsWith("META-INF/") && !file.endsWith("-info.class")) {
            String name = file.substring(0, file.length() - ".class".length());
            if (sources.putIfAbsent(name, source) == null) {
                added.add(name);
            }
        }
    }

    /** A class by its name; empty where there is none. */
    Optional<ClassModel> find(String name) {
        return parsed.computeIfAbsent(name, _ -> Optional.ofNullable(bytes(name)).map(ClassFile.of()::parse));
    }

    /** A class file, or null where there is none. */
    byte[] bytes(String name) {
        Source source = sources.get(name);
        try (InputStream in = source == null ? ofJdk(name) : source.open()) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream ofJdk(String name) throws IOException {
        int end = name.lastIndexOf('/');
        Path modules = JDK.getPath("packages", end < 0 ? "" : name.substring(0, end).replace('/', '.'));
        if (end < 0 || !Files.exists(modules)) {
            return null;
        }
        try (Stream<Path> found = Files.list(modules)) {
            Optional<Path> file = found.map(module -> JDK.getPath("modules", module.getFileName().toString(), name + ".class"))
                    .filter(Files::exists).findFirst();
            return file.isEmpty() ? null : Files.newInputStream(file.get());
        }
    }

    @Override
    public void close() throws IOException {
        for (ZipFile jar : jars) {
            jar.close();
        }
    }
}
