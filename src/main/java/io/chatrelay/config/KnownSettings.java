package io.chatrelay.config;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import jakarta.validation.constraints.NotBlank;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.WithName;
import io.smallrye.config.common.utils.StringUtil;

/** All settings of the service, as its {@link ConfigMapping}s declare them: the keys and their ranges. */
public final class KnownSettings {

    private static final String PREFIX = "chat-relay";
    private static final String NAMED = "<name>";
    private static final String IN_ENVIRONMENT = "CHAT_RELAY_";
    /** Variables that Kubernetes and Docker set in every container for a service whose name is chat-relay or begins with it. */
    private static final Pattern OF_PLATFORM = Pattern
            .compile("CHAT_RELAY_(.+_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\\d+_.+)?|NAME|ENV_.+)");

    /**
     * One setting.
     *
     * @param key    with {@code <name>} where the operator chooses the name
     * @param reader the method of its mapping
     */
    public record Setting(String key, Method reader) {

        private boolean isOf(String property) {
            return property.matches(Arrays.stream(key.split(NAMED, -1)).map(Pattern::quote)
                    .collect(Collectors.joining("(\"[^\"]+\"|[^.\"]+)")) + "(\\[\\d+])?");
        }

        private boolean isOfVariable(String variable) {
            return variable.matches(Arrays.stream(key.split(NAMED, -1)).map(KnownSettings::variable)
                    .collect(Collectors.joining(".+")) + "(_\\d+_?)?");
        }

        /** The variable with its name in double underscores, if this setting has one and single ones are around it. */
        private Optional<String> withDoubleUnderscores(String variable) {
            Matcher named = Pattern.compile(Arrays.stream(key.split(NAMED, -1)).map(KnownSettings::variable)
                    .collect(Collectors.joining("([^_]+(?:_[^_]+)+)")) + "(?:_\\d+_?)?").matcher(variable);
            return !key.contains(NAMED) || !named.matches() ? Optional.empty()
                    : Optional.of(variable.substring(0, named.start(1)) + "_" + named.group(1) + "_"
                            + variable.substring(named.end(1)));
        }
    }

    private final List<Class<?>> mappings;
    private final List<Setting> all = new ArrayList<>();

    public KnownSettings(List<Class<?>> mappings) {
        this.mappings = mappings;
        mappings.forEach(mapping -> declare(prefix(mapping), mapping));
    }

    private static String prefix(Class<?> mapping) {
        return mapping.getAnnotation(ConfigMapping.class).prefix();
    }

    private void declare(String prefix, Class<?> group) {
        for (Method reader : readers(group)) {
            String key = key(prefix, reader);
            if (reader.getReturnType() == Map.class) {
                declare(key + "." + NAMED, (Class<?>) argument(reader.getGenericReturnType(), 1));
            } else if (isGroup(reader)) {
                declare(key, reader.getReturnType());
            } else {
                all.add(new Setting(key, reader));
            }
        }
    }

    /** The methods of a mapping that read a setting, or a group of them. */
    private static List<Method> readers(Class<?> group) {
        return Arrays.stream(group.getMethods()).filter(method -> Modifier.isAbstract(method.getModifiers()))
                .sorted(Comparator.comparing(Method::getName)).toList();
    }

    private static boolean isGroup(Method reader) {
        return reader.getReturnType().isInterface() && reader.getReturnType().getEnclosingClass() == reader.getDeclaringClass();
    }

    private static Type argument(Type type, int index) {
        return ((ParameterizedType) type).getActualTypeArguments()[index];
    }

    private static String key(String prefix, Method reader) {
        WithName named = reader.getAnnotation(WithName.class);
        return prefix + "." + (named == null ? StringUtil.skewer(reader.getName()) : named.value());
    }

    public List<Setting> all() {
        return List.copyOf(all);
    }

    /**
     * Every setting that violates the constraint of its mapping, each as a sentence with its key. Only a range names the value as well: any other
     * may be secret.
     */
    public List<String> invalid(SmallRyeConfig config) {
        List<String> wrong = new ArrayList<>();
        mappings.forEach(mapping -> check(prefix(mapping), mapping, config.getConfigMapping(mapping), config, wrong));
        return wrong;
    }

    private static void check(String prefix, Class<?> group, Object values, SmallRyeConfig config, List<String> wrong) {
        for (Method reader : readers(group)) {
            String key = key(prefix, reader);
            Object value = read(reader, values);
            if (value instanceof Map<?, ?> named) {
                Class<?> type = (Class<?>) argument(reader.getGenericReturnType(), 1);
                named.forEach((name, each) -> check(key + "." + segment(name.toString()), type, each, config, wrong));
            } else if (isGroup(reader)) {
                check(key, reader.getReturnType(), value, config, wrong);
            } else if (reader.isAnnotationPresent(Between.class)) {
                Range range = Range.of(reader.getAnnotation(Between.class));
                if (!range.contains(value)) {
                    wrong.add("%s must be between %s and %s, and is %s.".formatted(key, range.least(), range.most(),
                            config.getConfigValue(key).getValue()));
                }
            } else {
                violations(reader, value).forEach(message -> wrong.add("%s %s.".formatted(key, message)));
            }
        }
    }

    /** The messages of the constraints that a value violates, or the elements of a list, each constraint once. */
    private static Stream<String> violations(Method reader, Object value) {
        if (value instanceof Collection<?> elements
                && reader.getAnnotatedReturnType() instanceof AnnotatedParameterizedType type) {
            AnnotatedElement element = type.getAnnotatedActualTypeArguments()[0];
            return elements.stream().flatMap(each -> violated(element, each).stream()).distinct();
        }
        return violated(reader, value).stream();
    }

    /** The message of the constraint that a value violates. Before the start there is no validator, so the few constraints in use are read here. */
    private static Optional<String> violated(AnnotatedElement declaration, Object value) {
        jakarta.validation.constraints.Pattern pattern = declaration
                .getAnnotation(jakarta.validation.constraints.Pattern.class);
        if (pattern != null && !value.toString().matches(pattern.regexp())) {
            return Optional.of(pattern.message());
        }
        NotBlank text = declaration.getAnnotation(NotBlank.class);
        if (text != null && value.toString().isBlank()) {
            return Optional.of(text.message());
        }
        HttpUrl url = declaration.getAnnotation(HttpUrl.class);
        return url == null || HttpUrl.Validator.contains((URI) value) ? Optional.empty() : Optional.of(url.message());
    }

    private static String segment(String name) {
        return name.contains(".") ? '"' + name + '"' : name;
    }

    private static Object read(Method reader, Object values) {
        try {
            return reader.invoke(values);
        } catch (InvocationTargetException | IllegalAccessException e) {
            throw new IllegalStateException("a mapping that cannot be read", e);
        }
    }

    /** The service's properties that match no setting: most are misspelt. */
    public List<String> unknown(SmallRyeConfig config) {
        return names(config, name -> name.startsWith(PREFIX + ".")
                && all.stream().noneMatch(setting -> setting.isOf(name)));
    }

    /** The environment variables that begin with the service's prefix and match no setting. They may be meant for other programs. */
    public List<String> unknownVariables(SmallRyeConfig config) {
        return names(config, name -> name.startsWith(IN_ENVIRONMENT) && !OF_PLATFORM.matcher(name).matches()
                && all.stream().noneMatch(setting -> setting.isOfVariable(name)));
    }

    /**
     * The environment variables that set nothing because a name of several words has single underscores around it, each with what it should be: it
     * could be two levels of the setting.
     */
    public Map<String, String> singleUnderscores(SmallRyeConfig config) {
        Set<String> read = names(config, name -> all.stream().anyMatch(setting -> setting.isOf(name))).stream()
                .map(KnownSettings::variable).collect(Collectors.toSet());
        Map<String, String> wrong = new TreeMap<>();
        names(config, name -> name.startsWith(IN_ENVIRONMENT) && !read.contains(name)).forEach(name -> all.stream()
                .flatMap(setting -> setting.withDoubleUnderscores(name).stream())
                // The longest end of a setting leaves the name that was meant.
                .min(Comparator.comparingInt(meant -> meant.lastIndexOf("__") - meant.indexOf("__")))
                .ifPresent(meant -> wrong.put(name, meant)));
        return wrong;
    }

    /** By MicroProfile Config's rules: every character that is neither a letter nor a digit becomes an underscore. */
    private static String variable(String property) {
        return StringUtil.replaceNonAlphanumericByUnderscores(property).toUpperCase(Locale.ROOT);
    }

    private static List<String> names(SmallRyeConfig config, Predicate<String> wanted) {
        return StreamSupport.stream(config.getPropertyNames().spliterator(), false).filter(wanted).distinct().sorted().toList();
    }
}
