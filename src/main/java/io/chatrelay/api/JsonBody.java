package io.chatrelay.api;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.chatrelay.event.PrintableName;
import io.chatrelay.event.RawJson;
import io.quarkiverse.resteasy.problem.HttpProblem;

/**
 * An object of a request's body together with its path, so that an error names the invalid field. Values of fields are never part of
 * an error.
 */
public record JsonBody(JsonNode node, String path) {

    private static final ObjectMapper JSON = JsonMapper.builder(BodyScan.FACTORY).enable(
            DeserializationFeature.FAIL_ON_TRAILING_TOKENS, DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS,
            DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY).build();
    private static final Pattern ID = Pattern.compile(Rules.ID);

    /** The object for a missing body. */
    static JsonBody empty() {
        return new JsonBody(JSON.createObjectNode(), "");
    }

    /** A body that {@link BodyScan} has checked. */
    static JsonBody of(byte[] bytes) throws IOException {
        JsonNode node = JSON.readTree(bytes);
        if (node == null || !node.isObject()) {
            throw Problems.invalid("body", "must be a JSON object");
        }
        return new JsonBody(node, "");
    }

    /** Why a body could not be read, without its content. */
    static HttpProblem unreadable(IOException failure) {
        if (!(failure instanceof JsonProcessingException json)) {
            return Problems.invalid("body", "could not be read whole");
        }
        if (json instanceof StreamConstraintsException || json.getLocation() == null) {
            return Problems.invalid("body", "is nested too deeply, or has too long a name");
        }
        return Problems.invalid("body",
                (json instanceof MismatchedInputException ? "has a field twice, or goes on after its end (line %d, column %d)"
                        : "is not JSON (line %d, column %d)")
                        .formatted(json.getLocation().getLineNr(), json.getLocation().getColumnNr()));
    }

    String at(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    /** The error for the value of that name. */
    public HttpProblem wrong(String name, String reason) {
        return Problems.invalid(at(name), reason);
    }

    /** The error for a value of that name that the caller may not send. */
    HttpProblem refused(String name, String reason) {
        return Problems.refused(at(name), reason);
    }

    /** Whether there is a value of that name, and it is not null. */
    public boolean has(String name) {
        return node.hasNonNull(name);
    }

    /** Whether the value of that name is null or empty, and so requests nothing. */
    public boolean isEmpty(String name) {
        return !has(name) || node.get(name).isContainerNode() && node.get(name).isEmpty();
    }

    /** Rejects the first member that is not among the known ones: a member that cannot be passed on is never ignored silently. */
    public void only(Set<String> known) {
        names().stream().filter(name -> !known.contains(name) && !isEmpty(name)).findFirst().ifPresent(name -> {
            throw wrong(name, "cannot be passed on. Known here: " + known.stream().sorted().collect(Collectors.joining(", ")));
        });
    }

    /** The names of all members, in their order. */
    public List<String> names() {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The string of that name, or null. */
    public String text(String name) {
        if (!has(name)) {
            return null;
        }
        if (!node.get(name).isTextual()) {
            throw wrong(name, "must be a string");
        }
        return node.get(name).asText();
    }

    /** The string of that name, which is required. */
    public String required(String name) {
        String text = text(name);
        if (text == null) {
            throw wrong(name, "is required");
        }
        return text;
    }

    /** A {@linkplain PrintableName name} that a user or a model chose, or null. */
    public String name(String name) {
        String text = text(name);
        if (text != null && !PrintableName.isName(text)) {
            throw wrong(name, PrintableName.RULE);
        }
        return text;
    }

    /** An id in the format that callers may use, or null. */
    public String id(String name) {
        String id = text(name);
        if (id != null) {
            checkId(at(name), id);
        }
        return id;
    }

    static void checkId(String field, String id) {
        if (!ID.matcher(id).matches()) {
            throw Problems.invalid(field, Rules.ID_REASON);
        }
    }

    /** The boolean of that name, or the other value where there is none. */
    public boolean flag(String name, boolean otherwise) {
        if (!has(name)) {
            return otherwise;
        }
        if (!node.get(name).isBoolean()) {
            throw wrong(name, "must be true or false");
        }
        return node.get(name).asBoolean();
    }

    void number(String name, double least, double most) {
        if (has(name)
                && (!node.get(name).isNumber() || node.get(name).asDouble() < least || node.get(name).asDouble() > most)) {
            throw wrong(name, "must be a number from %s to %s".formatted(plain(least), plain(most)));
        }
    }

    void integer(String name, long least, long most) {
        if (has(name) && (!node.get(name).isIntegralNumber() || !node.get(name).canConvertToLong()
                || node.get(name).asLong() < least || node.get(name).asLong() > most)) {
            throw wrong(name,
                    least == most ? "can only be " + least : "must be a whole number from %d to %d".formatted(least, most));
        }
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }

    /** The object of that name, or null. */
    public JsonBody object(String name) {
        if (!has(name)) {
            return null;
        }
        if (!node.get(name).isObject()) {
            throw wrong(name, "must be an object");
        }
        return new JsonBody(node.get(name), at(name));
    }

    boolean isArray(String name) {
        return node.path(name).isArray();
    }

    /** The objects of the array of that name; empty if there is none. */
    public List<JsonBody> objects(String name) {
        List<JsonBody> objects = new ArrayList<>();
        if (has(name)) {
            if (!isArray(name)) {
                throw wrong(name, "must be an array");
            }
            for (int i = 0; i < node.get(name).size(); i++) {
                String place = at(name) + "[" + i + "]";
                if (!node.get(name).get(i).isObject()) {
                    throw Problems.invalid(place, "must be an object");
                }
                objects.add(new JsonBody(node.get(name).get(i), place));
            }
        }
        return objects;
    }

    RawJson raw(String name) {
        return new RawJson(node.get(name).toString());
    }
}
