package io.chatrelay.suites;

import org.junit.platform.suite.api.IncludeClassNamePatterns;
import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

/** The tests of {@code inkeep} start the service only for its REST client, which exists in no other way, and ask it nothing; the others fill the time. */
@Suite
@SelectPackages("io.chatrelay")
@IncludeClassNamePatterns("io\\.chatrelay\\.(inkeep\\.|((approval|event|turn)\\.)?O)\\w*Test")
class PartFive {}
