package io.chatrelay.suites;

import org.junit.platform.suite.api.IncludeClassNamePatterns;
import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

/** The service is only started for its REST client, which exists in no other way; it is not asked anything. */
@Suite
@SelectPackages("io.chatrelay.inkeep")
@IncludeClassNamePatterns(".*Test")
class Inkeep {}
