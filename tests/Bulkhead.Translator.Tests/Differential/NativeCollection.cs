using Xunit;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Whoever opens a <see cref="NativeRunner"/> joins it: the arena's addresses exist once in a process.</summary>
[CollectionDefinition(nameof(NativeCollection), DisableParallelization = true)]
public sealed class NativeCollection;
