package io.chatrelay.suites;

import org.junit.platform.suite.api.IncludeClassNamePatterns;
import org.junit.platform.suite.api.SelectPackages;
import org.junit.platform.suite.api.Suite;

@Suite
@SelectPackages("io.chatrelay")
@IncludeClassNamePatterns("io\\.chatrelay\\.((approval|event|turn)\\.)?([QTV-Z]|St|U[^p])\\w*Test")
class PartFour {}
