package io.chatrelay.api;

import java.io.IOException;

import jakarta.inject.Singleton;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;

import io.chatrelay.event.RawJson;
import io.quarkus.jackson.ObjectMapperCustomizer;

/** Writes a value that is already JSON unchanged. */
@Singleton
class RawJsonModule implements ObjectMapperCustomizer {

    @Override
    public void customize(ObjectMapper mapper) {
        mapper.registerModule(new SimpleModule("raw-json").addSerializer(RawJson.class, new JsonSerializer<RawJson>() {
            @Override
            public void serialize(RawJson value, JsonGenerator out, SerializerProvider serializers) throws IOException {
                out.writeRawValue(value.text());
            }
        }));
    }
}
