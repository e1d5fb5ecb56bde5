namespace Bulkhead.Images.Recipes;

/// <summary>The recipes Bulkhead carries.</summary>
internal static class RecipeCatalog
{
    internal static IReadOnlyList<Recipe> All { get; } =
    [
        new("debian", "linux-image-cloud-amd64", [Recipe.BusyboxPackage], []),
        new("debian-rt", "linux-image-rt-amd64", [Recipe.BusyboxPackage, "rt-tests", "libnuma1", "libc6"], ["bin/cyclictest"]),
    ];
}
