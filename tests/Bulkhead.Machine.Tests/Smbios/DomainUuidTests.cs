using Bulkhead.Machine.Smbios;
using Xunit;

namespace Bulkhead.Machine.Tests.Smbios;

public sealed class DomainUuidTests
{
    /// <remarks><i>Source</i>: RFC 9562, B.2 Example of a UUIDv8 Value (Name-Based).</remarks>
    [Fact]
    public void Of_TheExampleOfTheRfc_IsItsUuid() => Assert.Equal(
        new Guid("5c146b14-3c52-8afd-938a-375d0df1fbf6"), DomainUuid.Of(new Guid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com"));

    [Fact]
    public void Of_Names_IsTheSameForTheSameAndAnotherForOthers()
    {
        string[] names = ["guest", "plant.control", "plant.web", "plant2.web", "Plant.web"];

        Assert.Equal(names.Length, names.Select(DomainUuid.Of).Distinct().Count());
        Assert.Equal(names.Select(DomainUuid.Of), names.Select(DomainUuid.Of));
        Assert.Equal(8, DomainUuid.Of("guest").Version);
        Assert.Equal(DomainUuid.OfHere("guest"), DomainUuid.OfHere("guest"));
        Assert.NotEqual(DomainUuid.Of("guest"), DomainUuid.OfHere("guest"));
    }

    [Theory]
    [InlineData("5c146b14-3c52-8afd-938a-375d0df1fbf6", true)]
    [InlineData("5C146B14-3C52-8AFD-938A-375D0DF1FBF6", true)]
    [InlineData("5c146b143c528afd938a375d0df1fbf6", false)]
    [InlineData("{5c146b14-3c52-8afd-938a-375d0df1fbf6}", false)]
    [InlineData("00000000-0000-0000-0000-000000000000", false)]
    [InlineData("ffffffff-ffff-ffff-ffff-ffffffffffff", false)]
    [InlineData("", false)]
    public void TryParse_Text_TakesUuidsThatSaySomething(string text, bool right) => Assert.Equal(right, DomainUuid.TryParse(text, out _));
}
