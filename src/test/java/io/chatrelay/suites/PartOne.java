package io.chatrelay.suites;

import org.junit.platform.suite.api.IncludeClassNamePatterns;
import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

@Suite
@SelectPackages("io.chatrelay")
@IncludeClassNamePatterns("io\\.chatrelay\\.((approval|event|turn)\\.)?([A-EHJKN]|Up)\\w*Test")
class PartOne {}
