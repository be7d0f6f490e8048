package io.chatrelay.api;

import jakarta.ws.rs.ext.Provider;

import io.chatrelay.event.ChatException;
import io.quarkiverse.resteasy.problem.ExceptionMapperBase;
import io.quarkiverse.resteasy.problem.HttpProblem;

/** Maps a rejected command to a problem. */
@Provider
public class ChatExceptionMapper extends ExceptionMapperBase<ChatException> {

    @Override
    protected HttpProblem toProblem(ChatException e) {
        return Problems.of(e);
    }
}
