namespace Bulkhead.X86.Cpuid;

/// <summary>The CPUID registers that hold feature bits.</summary>
internal enum FeatureWord
{
    Leaf1Ecx,
    Leaf1Edx,
    Leaf7Ebx,
    Leaf7Ecx,
    Leaf7Edx,
    LeafD1Eax,
    Extended1Ecx,
    Extended1Edx,
    Extended8Ebx,
    None,
}
