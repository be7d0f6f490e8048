package io.chatrelay.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.fuzz.Exchange.Answer;
import io.chatrelay.fuzz.Exchange.End;
import io.chatrelay.support.ApiDocument;
import io.chatrelay.support.ApiDocument.Operation;

/** Says what of an answer is not as the document, and good manners, have it. */
final class Judge {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STREAM = "text/event-stream";

    private final ApiDocument document;

    Judge(ApiDocument document) {
        this.document = document;
    }

    List<String> violations(Request request, Answer answer) {
        List<String> found = new ArrayList<>();
        String type = answer.header("content-type").replaceAll(";.*", "").strip();
        if (answer.end() == End.HANGS || answer.end() == End.NONE) {
            return List.of(answer.end() == End.HANGS ? "no end of an answer" : "no answer");
        }
        // On OpenAI's wire a turn that did not complete breaks the connection, or its client would take it for success.
        if (answer.end() == End.CUT && !type.equals(STREAM)) {
            found.add("an answer that breaks off");
        }
        if (answer.status() >= 500) {
            found.add("a " + answer.status());
        }
        Optional<Operation> operation = document.operation(request.method(), request.path());
        if (operation.isEmpty()) {
            if (answer.status() >= 400 && hasBody(request, answer)) {
                found.addAll(body(document.schema("Problem").path("required"), answer));
            }
            return found;
        }
        found.addAll(document.undocumented(operation.get(), answer.status(), type,
                hasBody(request, answer) ? answer.text() : ""));
        return found;
    }

    private static boolean hasBody(Request request, Answer answer) {
        return !request.method().equals("HEAD") && answer.status() != 204;
    }

    /** Of what the document knows nothing, the body is an error all the same. */
    private static List<String> body(JsonNode members, Answer answer) {
        try {
            JsonNode body = JSON.readTree(answer.body());
            List<String> found = new ArrayList<>();
            for (String member : List.of("code", "error")) {
                if (!body.hasNonNull(member)) {
                    found.add("%d: body.%s is missing".formatted(answer.status(), member));
                }
            }
            return found;
        } catch (java.io.IOException e) {
            return List.of(answer.status() + ": a body that is no JSON");
        }
    }
}
