package io.chatrelay.turn;

import java.util.List;

import io.opentelemetry.api.common.AttributeKey;

/**
 * The attributes of the spans of turns. Those that begin with {@code gen_ai} are named by OpenTelemetry's semantic conventions, which are in a
 * repository of their own and still change; no version of the library for Java has all of them. Source: {@code docs/gen-ai/gen-ai-spans.md} and
 * {@code gen-ai-agent-spans.md} of open-telemetry/semantic-conventions-genai, commit 002c8a6. Those that begin with {@code chat_relay} are ours.
 */
final class GenAiAttributes {

    static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
    static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
    static final AttributeKey<String> MODEL = AttributeKey.stringKey("gen_ai.request.model");
    static final AttributeKey<Boolean> STREAM = AttributeKey.booleanKey("gen_ai.request.stream");
    static final AttributeKey<String> CONVERSATION = AttributeKey.stringKey("gen_ai.conversation.id");
    static final AttributeKey<List<String>> FINISH_REASONS = AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    /** In seconds. */
    static final AttributeKey<Double> FIRST_CHUNK = AttributeKey.doubleKey("gen_ai.response.time_to_first_chunk");
    static final AttributeKey<Long> INPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.input_tokens");
    static final AttributeKey<Long> OUTPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.output_tokens");
    static final AttributeKey<String> AGENT = AttributeKey.stringKey("gen_ai.agent.name");
    static final AttributeKey<String> TOOL = AttributeKey.stringKey("gen_ai.tool.name");
    static final AttributeKey<String> CALL = AttributeKey.stringKey("gen_ai.tool.call.id");
    static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
    static final AttributeKey<String> SERVER = AttributeKey.stringKey("server.address");
    static final AttributeKey<Long> PORT = AttributeKey.longKey("server.port");

    static final AttributeKey<String> UPSTREAM = AttributeKey.stringKey("chat_relay.upstream");
    static final AttributeKey<String> TURN = AttributeKey.stringKey("chat_relay.turn.id");
    /** The outcome's wire name, or {@code left} if another replica goes on with the turn. */
    static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("chat_relay.turn.outcome");
    static final AttributeKey<Boolean> TAKEN_OVER = AttributeKey.booleanKey("chat_relay.turn.taken_over");
    static final AttributeKey<String> TENANT = AttributeKey.stringKey("chat_relay.tenant");
    static final AttributeKey<String> CALLER = AttributeKey.stringKey("chat_relay.caller");
    static final AttributeKey<String> APPROVAL = AttributeKey.stringKey("chat_relay.approval.id");
    static final AttributeKey<String> APPROVAL_STATE = AttributeKey.stringKey("chat_relay.approval.state");

    private GenAiAttributes() {}
}
