{
  # The shipped addon. What is compiled, and how, stands in native/sources.json, which CMake reads too.
  # Every kernel is a library of its own: its instruction set must not leak into code that runs before the dispatch.
  'variables': {
    'sources_of': 'node scripts/sources.mjs',
  },
  'target_defaults': {
    'default_configuration': 'Release',
    'include_dirs': ['native'],
    # Node's own flags would switch these back after ours.
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-exceptions', '-fno-rtti'],
    'cflags!': ['-O2', '-Wno-unused-parameter'],
    'cflags_cc': ['<!@(<(sources_of) flags)', '<!@(<(sources_of) warnings)'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
      'GCC_ENABLE_CPP_RTTI': 'YES',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
      'OTHER_CPLUSPLUSFLAGS': ['<!@(<(sources_of) flags)', '<!@(<(sources_of) warnings)'],
    },
    'msvs_settings': {
      'VCCLCompilerTool': {
        'ExceptionHandling': 1,
        'AdditionalOptions': ['<!@(<(sources_of) msvcFlags)'],
      },
    },
  },
  'targets': [
    {
      'target_name': 'core',
      'type': 'static_library',
      'sources': ['<!@(<(sources_of) core)'],
      'include_dirs': ['<!(<(sources_of) usearch)'],
    },
    {
      'target_name': 'kernel_scalar',
      'type': 'static_library',
      'sources': ['<!@(<(sources_of) kernel scalar file)'],
      'cflags_cc': ['<!@(<(sources_of) kernel scalar flags)'],
      'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['<!@(<(sources_of) kernel scalar flags)']},
    },
    {
      'target_name': 'anyvec',
      'sources': ['<!@(<(sources_of) addon)'],
      'dependencies': ['core', 'kernel_scalar'],
      'defines': ['<!@(<(sources_of) addonDefines)'],
      'include_dirs': ['<!(<(sources_of) nodeAddonApi)'],
      'conditions': [
        ["target_arch=='x64'", {'dependencies': ['kernel_avx2', 'kernel_avx512']}],
        ["target_arch=='arm64'", {'dependencies': ['kernel_neon']}],
        # make works in build/.
        ["OS=='linux'", {'ldflags': ['-Wl,-Bsymbolic', '-Wl,--version-script=../native/exports.map']}],
      ],
    },
  ],
  'conditions': [
    ["target_arch=='x64'", {
      'targets': [
        {
          'target_name': 'kernel_avx2',
          'type': 'static_library',
          'sources': ['<!@(<(sources_of) kernel avx2 file)'],
          'cflags_cc': ['<!@(<(sources_of) kernel avx2 flags)'],
          'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['<!@(<(sources_of) kernel avx2 flags)']},
          'msvs_settings': {'VCCLCompilerTool': {'AdditionalOptions': ['<!@(<(sources_of) kernel avx2 msvcFlags)']}},
        },
        {
          'target_name': 'kernel_avx512',
          'type': 'static_library',
          'sources': ['<!@(<(sources_of) kernel avx512 file)'],
          'cflags_cc': ['<!@(<(sources_of) kernel avx512 flags)'],
          'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['<!@(<(sources_of) kernel avx512 flags)']},
          'msvs_settings': {'VCCLCompilerTool': {'AdditionalOptions': ['<!@(<(sources_of) kernel avx512 msvcFlags)']}},
        },
      ],
    }],
    ["target_arch=='arm64'", {
      'targets': [
        {
          'target_name': 'kernel_neon',
          'type': 'static_library',
          'sources': ['<!@(<(sources_of) kernel neon file)'],
          'cflags_cc': ['<!@(<(sources_of) kernel neon flags)'],
          'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['<!@(<(sources_of) kernel neon flags)']},
        },
      ],
    }],
  ],
}
