package io.chatrelay;

import java.util.Map;

import org.junit.jupiter.api.Test;

import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;

@QuarkusTest
class SmokeTest {
    @Test
    void chats() {
        for (String text : new String[]{ "hi there", "use tool get_time", "cut 3", "429 1 9", "fail midstream" }) {
            var r = RestAssured.given().header("Authorization", "Bearer dev-key").contentType("application/json")
                    .body(Map.of("messages", java.util.List.of(Map.of("role", "user", "content", text)))).post("/run/api/chat");
            System.out.println("GOT " + r.statusCode() + " " + r.headers() + "\n" + r.asString());
            r = RestAssured.given().header("Authorization", "Bearer dev-key").contentType("application/json")
                    .body(Map.of("model", "cloud", "messages", java.util.List.of(Map.of("role", "user", "content", text))))
                    .post("/run/v1/chat/completions");
            System.out.println("GOT " + r.statusCode() + " " + r.headers() + "\n" + r.asString());
        }
        System.out.println(RestAssured.given().header("Authorization", "Bearer dev-key").get("/run/v1/models").asString());
        System.out
                .println(RestAssured.given().header("Authorization", "Bearer dev-key").get("/run/v1/conversations").asString());
        System.out.println(RestAssured.given().get("/run/v1/conversations").asString());
        System.out.println(RestAssured.given().header("Authorization", "Bearer dev-key").contentType("application/json")
                .body("{\"messages\":[{\"role\":\"x\"}]}").post("/run/v1/chat/completions").asString());
    }
}
